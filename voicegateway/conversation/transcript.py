"""Turns of a call in spoken order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from training.transcript import SpeakerRole, TurnSnapshot, TurnSource, public_turn
from voicegateway.browser.protocol import TurnMessage
from voicegateway.upstream.server_events import ROOT_ITEM

MAX_UNANNOUNCED = 1000  # items that others follow but upstream has not announced
MESSAGE_FIELDS = tuple(field.name for field in fields(TurnMessage))


@dataclass(slots=True, eq=False)
class TranscriptEntry:
    """Item in the upstream's chain. It becomes a turn when it is first shown; an unheard item never does."""

    turn: TurnSnapshot  # current state
    is_shown: bool = False
    # Preceding entry: the one that upstream named or, until then, the last entry when this one was first mentioned.
    predecessor: "TranscriptEntry | None" = None
    is_place_confirmed: bool = False  # upstream has named the predecessor
    is_announced: bool = True  # False while it is known only as another item's predecessor
    successors: list["TranscriptEntry"] = field(default_factory=list)

    @property
    def item(self) -> str:
        return self.turn.item

    def update(self, **changes: Any) -> None:
        """Change fields of the turn. It never ends before it starts."""
        turn = replace(self.turn, **changes)
        ends_early = (turn.end_ms or 0) < (turn.start_ms or 0)
        self.turn = replace(turn, end_ms=turn.start_ms) if ends_early else turn


def blank_turn(item: str) -> TurnSnapshot:
    """Return the state of a turn of which only the item is known."""
    return TurnSnapshot(
        revision=0,
        item=item,
        after=None,
        role=SpeakerRole.COUNSELOR,
        text_generated="",
        text_heard="",
        is_final=False,
        start_ms=0,
        end_ms=0,
    )


def turn_message(turn: TurnSnapshot) -> TurnMessage:
    shown: dict[str, Any] = dict(public_turn(turn))
    return TurnMessage(**{name: shown[name] for name in MESSAGE_FIELDS})


class Transcript:
    """Chain of items as upstream keeps it. An item's place follows from its predecessor, never from its arrival.

    Every entry has a predecessor, so the entries form a tree, and its depth-first order is the transcript. An item
    named as a predecessor gets its place at once, before anything else is known about it, so that two shown turns
    never swap places. Each upstream session is a branch of its own after everything before it.
    """

    def __init__(self, history: Sequence[TurnSnapshot], revision: int) -> None:
        self.revision = revision
        self.unpublished: list[TurnSnapshot] = []
        self.root = self.session_root = TranscriptEntry(blank_turn(ROOT_ITEM))
        self.entries: dict[str, TranscriptEntry] = {}
        self.unannounced_count = 0
        for turn in history:
            entry = self.entries[turn.item] = TranscriptEntry(turn, is_shown=True)
            _insert(entry, self._last_entry(), is_confirmed=True)
        self.chain = list(self._walk())

    def begin_session(self) -> None:
        """Start a new upstream session. Its first item follows all turns so far."""
        self.session_root = TranscriptEntry(blank_turn(ROOT_ITEM))
        _insert(self.session_root, self._last_entry(), is_confirmed=True)
        self.chain = list(self._walk())

    def get(self, item: str) -> TranscriptEntry | None:
        entry = self.entries.get(item)
        return entry if entry and entry.is_announced else None

    def place(
        self, item: str, role: SpeakerRole, previous: str | None = None, source: TurnSource = TurnSource.SPOKEN
    ) -> TranscriptEntry:
        """Place an item after `previous`, or at the end for now if that is None, and return its entry.

        A place that upstream has confirmed never changes.
        """
        predecessor = None if previous is None else self._find_predecessor(previous)
        entry = self.entries.get(item)
        if entry is None:
            entry = self.entries[item] = TranscriptEntry(blank_turn(item))
            _insert(entry, predecessor or self._last_entry(), is_confirmed=predecessor is not None)
        elif predecessor is not None and not entry.is_place_confirmed and _resolve_cycle(entry, predecessor):
            _move(entry, predecessor, is_confirmed=True)
        elif entry.is_announced:
            return entry
        if not entry.is_announced:
            self.unannounced_count -= 1
            entry.is_announced = True
        if not entry.is_shown:
            entry.update(role=role, source=source)
        self.chain = list(self._walk())
        self._relink()
        return entry

    def add_alias(self, item: str, entry: TranscriptEntry) -> None:
        """Map `item` to the entry of a turn that was lost with an earlier session and is now replayed as `item`."""
        self.entries[item] = entry

    def revise(self, entry: TranscriptEntry) -> None:
        """Make a new revision of a turn, and of every turn whose predecessor it changes."""
        if not entry.is_shown:
            entry.is_shown = True
            entry.update(after=self._shown_predecessor(entry))
        self._add_revision(entry)
        self._relink()

    def turns(self) -> Iterator[TurnSnapshot]:
        return (entry.turn for entry in self.chain if entry.is_shown)

    def _add_revision(self, entry: TranscriptEntry) -> None:
        self.revision += 1
        entry.update(revision=self.revision)
        self.unpublished.append(entry.turn)

    def _relink(self) -> None:
        """Update the `after` of every shown turn, with a new revision for each turn that changes."""
        before: str | None = None
        for entry in self.chain:
            if entry.is_shown:
                if entry.turn.after != before:
                    entry.update(after=before)
                    self._add_revision(entry)
                before = entry.item

    def _find_predecessor(self, previous: str) -> TranscriptEntry:
        if previous == ROOT_ITEM:
            return self.session_root
        predecessor = self.entries.get(previous)
        if predecessor is None:
            if self.unannounced_count >= MAX_UNANNOUNCED:
                return self._last_entry()
            predecessor = self.entries[previous] = TranscriptEntry(blank_turn(previous), is_announced=False)
            self.unannounced_count += 1
            _insert(predecessor, self._last_entry(), is_confirmed=False)
        return predecessor

    def _last_entry(self) -> TranscriptEntry:
        last = self.root
        while last.successors:
            last = last.successors[-1]
        return last

    def _walk(self) -> Iterator[TranscriptEntry]:
        pending = [self.root]
        while pending:
            entry = pending.pop()
            yield entry
            pending.extend(reversed(entry.successors))

    def _shown_predecessor(self, entry: TranscriptEntry) -> str | None:
        before = self.chain[: self.chain.index(entry)]
        return next((earlier.item for earlier in reversed(before) if earlier.is_shown), None)


def _insert(entry: TranscriptEntry, predecessor: TranscriptEntry, is_confirmed: bool) -> None:
    """Insert an entry after `predecessor`. `is_confirmed` means that upstream has confirmed the place.

    Confirmed successors come before provisional ones.
    """
    entry.predecessor, entry.is_place_confirmed = predecessor, is_confirmed
    confirmed_count = sum(successor.is_place_confirmed for successor in predecessor.successors)
    predecessor.successors.insert(confirmed_count if is_confirmed else len(predecessor.successors), entry)


def _move(entry: TranscriptEntry, predecessor: TranscriptEntry, is_confirmed: bool) -> None:
    if entry.predecessor:
        entry.predecessor.successors.remove(entry)
    _insert(entry, predecessor, is_confirmed)


def _resolve_cycle(entry: TranscriptEntry, predecessor: TranscriptEntry) -> bool:
    """Break the cycle that arises if `predecessor` itself follows `entry`, by moving a provisional entry between them.

    Return False if every place between them is confirmed, so that upstream contradicts itself.
    """
    step: TranscriptEntry | None = predecessor
    provisional: TranscriptEntry | None = None
    while step is not None and step is not entry:
        provisional = step if provisional is None and not step.is_place_confirmed else provisional
        step = step.predecessor
    if step is None:
        return True
    if provisional is None or entry.predecessor is None:
        return False
    _move(provisional, entry.predecessor, is_confirmed=False)
    return True
