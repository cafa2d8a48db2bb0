"""The turns of a call, in the order they were spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from voicegateway.briefing import Role, Source, Turn
from voicegateway.events import ROOT
from voicegateway.wire import TurnMessage

MOST_UNKNOWN = 1000  # items that others follow and nobody has announced


@dataclass(slots=True, eq=False)
class Entry:
    """An item in the upstream's chain. It becomes a turn when it is first shown; what nobody heard never is."""

    item: str
    role: Role = Role.COUNSELOR
    source: Source = Source.SPOKEN
    text_generated: str = ""
    text_heard: str = ""
    final: bool = False
    interrupted: bool = False
    start_ms: int = 0
    end_ms: int = 0
    revision: int = 0
    after: str | None = None
    shown: bool = False
    # Its place: behind `leader`, as upstream told or, until it does, as things stood when it was first heard of.
    leader: "Entry | None" = None
    is_told: bool = False
    is_known: bool = True
    followers: list["Entry"] = field(default_factory=list)

    def turn(self) -> Turn:
        return Turn(
            revision=self.revision,
            item=self.item,
            after=self.after,
            role=self.role,
            text_generated=self.text_generated,
            text_heard=self.text_heard,
            final=self.final,
            start_ms=self.start_ms,
            end_ms=max(self.start_ms, self.end_ms),
            source=self.source,
            interrupted=self.interrupted,
        )


def message_about(turn: Turn) -> TurnMessage:
    return TurnMessage(
        revision=turn.revision,
        item=turn.item,
        after=turn.after,
        role=turn.role,
        text=turn.text_heard,
        final=turn.final,
        start_ms=turn.start_ms,
        interrupted=turn.interrupted,
    )


class Transcript:
    """The chain as the upstream keeps it. Arrival decides nothing: an item stands behind the one it follows.

    Every entry has a leader, so together they are a tree, and reading it depth first gives the order. An item that
    another one follows has its place from then on, even before anything else is known of it: so nothing that is shown
    ever changes places with something else that is. Each upstream session is a branch of its own behind all that
    was before.
    """

    def __init__(self, history: Sequence[Turn], revision: int) -> None:
        self.revision = revision
        self.changes: list[Turn] = []
        self.root = self.base = Entry(ROOT)
        self.entries: dict[str, Entry] = {}
        self.unknown = 0
        for turn in history:
            entry = self.entries[turn.item] = _entry(turn)
            _put(entry, self._tail(), is_told=True)
        self.chain = list(self._walk())

    def begin_session(self) -> None:
        """A new upstream session: what it calls the first item of all comes behind everything said so far."""
        self.base = Entry(ROOT)
        _put(self.base, self._tail(), is_told=True)
        self.chain = list(self._walk())

    def get(self, item: str) -> Entry | None:
        entry = self.entries.get(item)
        return entry if entry and entry.is_known else None

    def place(self, item: str, role: Role, previous: str | None = None, source: Source = Source.SPOKEN) -> Entry:
        """Give an item its place: behind `previous`; for now at the end where that is not said. Once told it stays."""
        leader = None if previous is None else self._leader(previous)
        entry = self.entries.get(item)
        if entry is None:
            entry = self.entries[item] = Entry(item)
            _put(entry, leader or self._tail(), is_told=leader is not None)
        elif leader is not None and not entry.is_told and _make_way(entry, leader):
            _move(entry, leader, is_told=True)
        elif entry.is_known:
            return entry
        if not entry.is_known:
            self.unknown -= 1
            entry.is_known = True
        if not entry.shown:
            entry.role, entry.source = role, source
        self.chain = list(self._walk())
        self._link()
        return entry

    def again(self, item: str, entry: Entry) -> None:
        """The entry's item was lost with its session, and is now said anew: from here on it is this one, too."""
        self.entries[item] = entry

    def save(self, entry: Entry) -> None:
        """Make a new revision of a turn, and of those whose predecessor it changes."""
        if not entry.shown:
            entry.shown = True
            entry.after = self._shown_before(entry)
        self._revise(entry)
        self._link()

    def turns(self) -> Iterator[Turn]:
        return (entry.turn() for entry in self.chain if entry.shown)

    def _revise(self, entry: Entry) -> None:
        self.revision += 1
        entry.revision = self.revision
        self.changes.append(entry.turn())

    def _link(self) -> None:
        """Every shown turn tells which one it follows; whose word has become wrong gets a new revision."""
        before: str | None = None
        for entry in self.chain:
            if entry.shown:
                if entry.after != before:
                    entry.after = before
                    self._revise(entry)
                before = entry.item

    def _leader(self, previous: str) -> Entry:
        if previous == ROOT:
            return self.base
        leader = self.entries.get(previous)
        if leader is None:
            if self.unknown >= MOST_UNKNOWN:
                return self._tail()
            leader = self.entries[previous] = Entry(previous, is_known=False)
            self.unknown += 1
            _put(leader, self._tail(), is_told=False)
        return leader

    def _tail(self) -> Entry:
        last = self.root
        while last.followers:
            last = last.followers[-1]
        return last

    def _walk(self) -> Iterator[Entry]:
        waiting = [self.root]
        while waiting:
            entry = waiting.pop()
            yield entry
            waiting.extend(reversed(entry.followers))

    def _shown_before(self, entry: Entry) -> str | None:
        before = self.chain[: self.chain.index(entry)]
        return next((earlier.item for earlier in reversed(before) if earlier.shown), None)


def _put(entry: Entry, leader: Entry, is_told: bool) -> None:
    """Behind those that upstream told to follow the same one, but before those that only stand there for now."""
    entry.leader, entry.is_told = leader, is_told
    told = sum(follower.is_told for follower in leader.followers)
    leader.followers.insert(told if is_told else len(leader.followers), entry)


def _move(entry: Entry, leader: Entry, is_told: bool) -> None:
    if entry.leader:
        entry.leader.followers.remove(entry)
    _put(entry, leader, is_told)


def _make_way(entry: Entry, leader: Entry) -> bool:
    """Let the entry stand behind one that stands behind it for now. False where upstream contradicts itself."""
    step: Entry | None = leader
    yielding: Entry | None = None
    while step is not None and step is not entry:
        yielding = step if yielding is None and not step.is_told else yielding
        step = step.leader
    if step is None:
        return True
    if yielding is None or entry.leader is None:
        return False
    _move(yielding, entry.leader, is_told=False)
    return True


def _entry(turn: Turn) -> Entry:
    return Entry(
        item=turn.item,
        role=turn.role,
        source=turn.source,
        text_generated=turn.text_generated,
        text_heard=turn.text_heard,
        final=turn.final,
        interrupted=turn.interrupted,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        revision=turn.revision,
        after=turn.after,
        shown=True,
    )
