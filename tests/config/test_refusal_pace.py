"""Pace of refusals, with an injected clock."""

import asyncio

from config.middleware.refusal_pace import AT_ONCE, LONGEST_DELAY, MOST_DELAYED, PER_SECOND, RefusalPace


class Delays:
    """Clock that stands still, and the delays that refusals were given."""

    def __init__(self) -> None:
        self.now = 100.0
        self.given: list[float] = []
        self.pace = RefusalPace(lambda: self.now, self.sleep)
        self.release = asyncio.Event()
        self.release.set()

    async def sleep(self, seconds: float) -> None:
        self.given.append(seconds)
        await self.release.wait()


async def test_first_refusals_are_sent_at_once():
    delays = Delays()

    for _ in range(AT_ONCE):
        await delays.pace.wait("flooder")

    assert delays.given == []


async def test_refusals_of_one_client_are_delayed_one_after_another_and_those_of_others_are_not():
    delays = Delays()
    for _ in range(AT_ONCE + 3):
        await delays.pace.wait("flooder")
    await delays.pace.wait("quiet")

    assert [round(delay * PER_SECOND) for delay in delays.given] == [1, 2]


async def test_delay_has_a_limit_and_ends_with_a_pause():
    delays = Delays()
    for _ in range(10 * int(PER_SECOND * LONGEST_DELAY)):
        await delays.pace.wait("flooder")
    longest = max(delays.given)
    delays.now += LONGEST_DELAY + AT_ONCE / PER_SECOND
    count = len(delays.given)
    await delays.pace.wait("flooder")

    assert (longest, len(delays.given)) == (LONGEST_DELAY, count)


async def test_only_so_many_refusals_are_delayed():
    delays = Delays()
    delays.release.clear()
    waiting = [asyncio.create_task(delays.pace.wait("flooder")) for _ in range(AT_ONCE + MOST_DELAYED + 50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    held = delays.pace.delayed
    delays.release.set()
    await asyncio.gather(*waiting)

    assert (held, delays.pace.delayed) == (MOST_DELAYED, 0)
