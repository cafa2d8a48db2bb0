"""Counts of things in progress, limited per key and in total. Call every method from one event loop's thread."""

from collections import Counter

from config.middleware.refusals import SERVER_BUSY, TOO_MANY_REQUESTS, Refusal


class BoundedCounts:
    """Number of things in progress for each key. `limit` bounds their sum."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.by_key: Counter[str] = Counter()
        self.total = 0

    def take(self, key: str, limit: int) -> Refusal | None:
        """Count one more for the key, or return the reason why `limit` or the process allows no more."""
        if self.by_key[key] >= limit:
            return TOO_MANY_REQUESTS
        if self.total >= self.limit:
            return SERVER_BUSY
        self.add(key)
        return None

    def add(self, key: str) -> None:
        self.by_key[key] += 1
        self.total += 1

    def give_back(self, key: str) -> None:
        self.total -= 1
        self.by_key[key] -= 1
        if not self.by_key[key]:
            del self.by_key[key]
