"""Order in which the requests of one process run. Those who use the process most let the others go first.

The requests of a process share one interpreter: while two of them compute, each takes twice as long. Limiting the
requests of each person is not enough, because an organization has many people. Call every method from one event loop's
thread.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

MEMORY = 5.0  # seconds, time constant with which earlier use is forgotten
BUSY_SHARE = 0.5  # of the process's time lately, from which an organization is busy
PRESENT_FOR = 1.0  # seconds after someone's latest request for which busy organizations let them go first
REST = 2.0  # times the length of a turn, for which busy organizations rest after it while others are present
LONGEST_REST = 1.0  # seconds
LONGEST_WAIT = 2.0  # seconds without a turn after which a waiting sender goes before those with smaller loads
COUNTED_FOR = 3.0  # seconds after which a running request is assumed to wait for something, not to compute
MOST_REMEMBERED = 1000  # people, organizations, and addresses
RECHECK_AFTER = 0.03  # seconds between checks while requests wait: rests end, and use is forgotten, without an event


class Sender(NamedTuple):
    """Person or client address that a request counts for, and their organization. An address is its own."""

    key: str
    organization: str


@dataclass(eq=False)
class Turn:
    """A request's turn, from when it is asked for until it is given back."""

    sender: Sender
    at_once: int  # turns of the sender at once
    asked_at: float
    started_at: float = 0.0
    yields: bool = False  # someone with a smaller load was present when it started
    started: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class RecentUse:
    """Running time of each key in seconds. Earlier use counts for less and less."""

    def __init__(self) -> None:
        self._used: dict[str, tuple[float, float]] = {}  # seconds, and the time at which they were correct

    def add(self, key: str, seconds: float, now: float) -> None:
        self._used[key] = self.of(key, now) + seconds, now
        if len(self._used) > MOST_REMEMBERED:
            self._used = {key: used for key, used in self._used.items() if now - used[1] < MEMORY}

    def of(self, key: str, now: float) -> float:
        seconds, at = self._used.get(key, (0.0, now))
        return seconds * math.exp((at - now) / MEMORY)


class Load(NamedTuple):
    """Load of a sender on the process. Smaller loads go first."""

    organization_requests: int  # running and waiting
    organization_seconds: float  # of running lately
    requests: int
    seconds: float


class RequestTurns:
    """Turns of all requests of a process.

    An organization is busy if it has more than `busy_at_once` requests in progress, or ran for more than BUSY_SHARE
    of the time lately. Requests of the others start at once. Of a busy one, only `busy_at_once` requests run at
    once. While someone with a smaller load is present, all busy organizations together run one request at a time,
    never alongside a request of the others, and for at most a third of the time. Among the waiting requests, those
    with the smallest load come first, but no one who waits is passed over for longer than LONGEST_WAIT.
    """

    def __init__(self, busy_at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.busy_at_once, self.clock = busy_at_once, clock
        self.running: list[Turn] = []
        self.use = RecentUse()
        self._waiting: dict[Sender, deque[Turn]] = {}
        self._seen: dict[Sender, float] = {}
        self._served: dict[Sender, float] = {}  # start of the latest turn of those who wait
        self._rests_until = 0.0
        self._recheck: asyncio.TimerHandle | None = None

    async def take(self, sender: Sender, at_once: int) -> Turn:
        """Wait for a turn and return it. At most `at_once` requests of the sender run at once."""
        turn = Turn(sender, at_once, self.clock())
        self._seen[sender] = turn.asked_at
        self._waiting.setdefault(sender, deque()).append(turn)
        self._start_waiting()
        try:
            await turn.started
        except asyncio.CancelledError:
            self._drop(turn)
            raise
        return turn

    def give_back(self, turn: Turn) -> None:
        now = self.clock()
        self.running.remove(turn)
        for key in set(turn.sender):
            self.use.add(key, now - turn.started_at, now)
        self._seen[turn.sender] = now
        if turn.yields:
            self._rests_until = now + min(REST * (now - turn.started_at), LONGEST_REST)
        self._start_waiting()

    def _drop(self, turn: Turn) -> None:
        """Forget a request that was canceled while it waited."""
        if turn in self.running:
            self.give_back(turn)
        elif turn in self._waiting.get(turn.sender, ()):
            self._waiting[turn.sender].remove(turn)
            self._start_waiting()

    def _start_waiting(self) -> None:
        """Start every request that may run now."""
        now = self.clock()
        if self._waiting:
            loads = self._loads(now)
            held: set[str] = set()  # organizations in which someone has waited long enough to go first
            for sender in sorted(self._waiting, key=lambda sender: (self._waits_for(sender, now), loads[sender])):
                if sender.organization not in held:
                    self._start_all(sender, loads, now)
                    if self._waiting[sender] and not self._waits_for(sender, now):
                        held.add(sender.organization)
            self._waiting = {sender: queue for sender, queue in self._waiting.items() if queue}
            self._served = {sender: at for sender, at in self._served.items() if sender in self._waiting}
        if self._recheck is None and self._waiting:
            self._recheck = asyncio.get_running_loop().call_later(RECHECK_AFTER, self._check_again)

    def _start_all(self, sender: Sender, loads: dict[Sender, Load], now: float) -> None:
        """Start the sender's requests, in the order of their arrival, as long as they may run."""
        queue = self._waiting[sender]
        while queue and self._may_start(queue[0], loads, now):
            turn = queue.popleft()
            turn.started_at = now
            self.running.append(turn)
            self._served[sender] = now
            turn.started.set_result(None)

    def _waits_for(self, sender: Sender, now: float) -> bool:
        """Return True if the sender may wait for others, because the latest turn or request was not long ago."""
        queue = self._waiting[sender]
        since = max(queue[0].asked_at, self._served.get(sender, 0.0)) if queue else now
        return now - since < LONGEST_WAIT

    def _check_again(self) -> None:
        self._recheck = None
        self._start_waiting()

    def _loads(self, now: float) -> dict[Sender, Load]:
        """Return the load of everyone present."""
        self._seen = {sender: at for sender, at in self._seen.items() if now - at < PRESENT_FOR}
        seconds: dict[str, float] = {}
        requests: Counter[str] = Counter()
        for turn in self.running:
            for key in set(turn.sender):
                seconds[key] = seconds.get(key, 0.0) + now - turn.started_at
                requests[key] += 1
        for sender, queue in self._waiting.items():
            for key in set(sender):
                requests[key] += len(queue)
        present = {*self._seen, *self._waiting, *(turn.sender for turn in self.running)}
        for key in {key for sender in present for key in sender}:
            seconds[key] = seconds.get(key, 0.0) + self.use.of(key, now)
        return {
            sender: Load(
                requests[sender.organization], seconds[sender.organization], requests[sender.key], seconds[sender.key]
            )
            for sender in present
        }

    def _may_start(self, turn: Turn, loads: dict[Sender, Load], now: float) -> bool:
        sender = turn.sender
        if sum(other.sender.key == sender.key for other in self.running) >= turn.at_once:
            return False
        load = loads[sender]
        if load.organization_requests <= self.busy_at_once and load.organization_seconds < BUSY_SHARE * MEMORY:
            return True
        computing = [other.sender for other in self.running if now - other.started_at < COUNTED_FOR]
        if sum(other.organization == sender.organization for other in computing) >= self.busy_at_once:
            return False
        turn.yields = any(loads[other] < load for other in loads)
        return not turn.yields or (not computing and now >= self._rests_until)
