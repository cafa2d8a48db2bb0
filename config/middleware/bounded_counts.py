"""Counts of things in progress, limited per key and in total. Call every method from one event loop's thread."""

import asyncio
from collections import Counter, deque

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


class Turns:
    """Turns at running for each key, in the order of arrival."""

    def __init__(self) -> None:
        self.running: Counter[str] = Counter()
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, key: str, limit: int) -> None:
        """Wait until fewer than `limit` requests with this key are running and it is this one's turn."""
        if self.running[key] < limit:
            self.running[key] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(key)
            raise

    def give_back(self, key: str) -> None:
        """Pass the turn to the next request that is still waiting for one."""
        queue = self._queues.get(key, deque())
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._queues.pop(key, None)
        self.running[key] -= 1
        if not self.running[key]:
            del self.running[key]
