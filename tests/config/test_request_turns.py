"""Turns of requests, with an injected clock."""

import asyncio
from collections import Counter

import pytest

from config.middleware.request_turns import (
    BUSY_SHARE,
    COUNTED_FOR,
    LONGEST_REST,
    LONGEST_WAIT,
    MEMORY,
    PRESENT_FOR,
    REST,
    RequestTurns,
    Sender,
    Turn,
)

FLOODER, COLLEAGUE = Sender("flooder", "noisy"), Sender("colleague", "noisy")
QUIET = Sender("quiet", "quiet")
MANY = 20  # turns of one sender at once: far more than any test takes


class Turns:
    """Turns with a clock that only `pass_time` moves. `started` lists the senders of started requests in order."""

    def __init__(self) -> None:
        self.now = 100.0
        self.turns = RequestTurns(busy_at_once=2, clock=lambda: self.now)
        self.started: list[Turn] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, sender: Sender, at_once: int = MANY) -> bool:
        """Ask for a turn, and return True if it started at once."""
        before = len(self.started)
        self.tasks.append(asyncio.create_task(self._take(sender, at_once)))
        await self.settle()
        return len(self.started) > before

    async def _take(self, sender: Sender, at_once: int) -> None:
        self.started.append(await self.turns.take(sender, at_once))

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def use(self, sender: Sender, seconds: float) -> None:
        """Let the sender use the process alone for this many seconds."""
        await self.ask(sender)
        turn = self.started.pop()
        self.now += seconds
        await self.give_back(turn)

    async def recheck(self) -> None:
        """Check the waiting requests again, as a timer does."""
        self.turns._check_again()
        await self.settle()

    async def give_back(self, turn: Turn) -> list[str]:
        """End a turn, and return the keys of those that start in its place."""
        before = len(self.started)
        self.turns.give_back(turn)
        await self.settle()
        return [turn.sender.key for turn in self.started[before:]]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def turns():
    turns = Turns()
    yield turns
    await turns.close()


async def test_requests_of_a_person_start_in_order_of_arrival_and_only_so_many_at_once(turns):
    started = [await turns.ask(QUIET, at_once=2) for _ in range(4)]

    assert started == [True, True, False, False]
    assert await turns.give_back(turns.started[0]) == ["quiet"]
    assert len(turns.started) == 3


async def test_organizations_with_few_requests_never_wait_for_others(turns):
    for _ in range(10):
        await turns.ask(FLOODER)
    others = [Sender(f"person {number}", f"organization {number}") for number in range(30)]

    assert all([await turns.ask(sender) for sender in others])


async def test_organization_runs_few_requests_at_once_though_it_has_many_people(turns):
    people = [Sender(f"person {number}", "noisy") for number in range(5)]

    assert [await turns.ask(person) for person in people] == [True, True, False, False, False]


async def test_busy_organization_starts_nothing_while_a_lighter_one_is_present(turns):
    first, second, *_ = [await turns.ask(FLOODER) for _ in range(5)]
    assert (first, second) == (True, True)
    assert await turns.ask(QUIET)
    noisy, other, quiet = turns.started

    assert await turns.give_back(noisy) == []
    assert await turns.give_back(other) == []
    # The quiet person is still present for a moment, so only one starts.
    assert await turns.give_back(quiet) == ["flooder"]


async def test_busy_organization_has_the_process_again_once_the_others_have_left(turns):
    await turns.ask(QUIET)
    [quiet] = turns.started
    for _ in range(5):
        await turns.ask(FLOODER)
    await turns.give_back(quiet)
    turns.now += PRESENT_FOR

    await turns.recheck()

    assert [turn.sender for turn in turns.turns.running] == [FLOODER] * 2


async def test_organization_that_used_the_process_most_of_the_time_lets_others_go_first(turns):
    await turns.use(FLOODER, 1.2 * BUSY_SHARE * MEMORY)
    await turns.ask(QUIET)

    assert not await turns.ask(FLOODER)
    assert await turns.give_back(turns.started[0]) == ["flooder"]


async def test_use_is_forgotten(turns):
    await turns.use(FLOODER, 1.2 * BUSY_SHARE * MEMORY)
    turns.now += MEMORY
    await turns.ask(QUIET)

    assert await turns.ask(FLOODER)


async def test_colleague_goes_before_the_flooder_of_their_organization(turns):
    for _ in range(5):
        await turns.ask(FLOODER)
    await turns.ask(COLLEAGUE)

    assert await turns.give_back(turns.started[0]) == ["colleague"]


async def test_long_request_does_not_delay_others(turns):
    await turns.ask(QUIET)
    assert [await turns.ask(FLOODER) for _ in range(3)] == [True, True, False]
    turns.now += COUNTED_FOR

    await turns.recheck()

    assert [turn.sender for turn in turns.turns.running] == [QUIET, *[FLOODER] * 3]


async def test_flooder_gets_a_turn_now_and_then(turns):
    for _ in range(100):
        await turns.ask(FLOODER)
    for _ in range(24):
        for _ in range(3):
            await turns.ask(COLLEAGUE)
        turns.now += LONGEST_WAIT / 8
        for turn in list(turns.turns.running):
            await turns.give_back(turn)

    started = Counter(turn.sender for turn in turns.started)
    assert started[FLOODER] > 2  # those that started before the colleague came
    assert started[COLLEAGUE] > 2 * started[FLOODER]


@pytest.mark.parametrize(("length", "rest"), [(0.1, 0.1 * REST), (2.0, LONGEST_REST)])
async def test_busy_organization_rests_after_each_turn_while_others_are_present(turns, length, rest):
    await turns.ask(QUIET)
    for _ in range(9):
        await turns.ask(FLOODER)
    quiet, *others = turns.started
    for turn in (*others, quiet):
        await turns.give_back(turn)
    [flooder] = turns.turns.running
    turns.now += length
    await turns.use(QUIET, 0.0)

    assert await turns.give_back(flooder) == []
    turns.now += rest - 0.01
    await turns.use(QUIET, 0.0)
    await turns.recheck()
    before = list(turns.turns.running)
    turns.now += 0.02
    await turns.recheck()

    assert (before, [turn.sender for turn in turns.turns.running]) == ([], [FLOODER])


async def test_canceled_request_leaves_no_trace(turns):
    await turns.ask(QUIET, at_once=1)
    await turns.ask(QUIET, at_once=1)
    turns.tasks[1].cancel()
    await turns.settle()

    assert await turns.give_back(turns.started[0]) == []
    assert turns.turns.running == []
