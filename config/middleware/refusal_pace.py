"""Pace of refusals, which keeps clients that repeat refused requests from costing much."""

import asyncio
import time
from collections.abc import Awaitable, Callable

AT_ONCE = 20  # refusals of one client that are sent without a delay; a pause restores them
PER_SECOND = 20.0  # refusals of one client beyond that
LONGEST_DELAY = 5.0  # seconds
MOST_DELAYED = 1000  # refusals; beyond this, they are sent at once


class RefusalPace:
    """Delays of refusals, one after another for each client. Waiting costs a timer, but no thread and no turn."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.clock, self.sleep = clock, sleep
        self.delayed = 0
        self._next_at: dict[str, float] = {}  # time of each client's next refusal, if it were never sent at once

    async def wait(self, key: str) -> None:
        """Wait until the next refusal of this client may be sent."""
        delay = self._delay(key)
        if delay <= 0 or self.delayed >= MOST_DELAYED:
            return
        self.delayed += 1
        try:
            await self.sleep(delay)
        finally:
            self.delayed -= 1

    def _delay(self, key: str) -> float:
        now = self.clock()
        burst = AT_ONCE / PER_SECOND
        if len(self._next_at) > MOST_DELAYED:
            self._next_at = {key: at for key, at in self._next_at.items() if at > now - burst}
        earliest = max(self._next_at.get(key, 0.0), now - burst)
        self._next_at[key] = min(earliest + 1 / PER_SECOND, now + LONGEST_DELAY)
        return earliest - now
