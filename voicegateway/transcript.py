"""The turns of a call, in the order they were spoken."""

from collections.abc import Sequence
from dataclasses import dataclass

from voicegateway.briefing import Role, Source, Turn
from voicegateway.wire import TurnMessage


@dataclass(slots=True, eq=False)
class Entry:
    """An item in the upstream's chain. It becomes a turn when it is first shown; what nobody heard never is."""

    item: str
    role: Role
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
    """The chain as the upstream keeps it. Arrival decides nothing: an item stands behind the one it follows."""

    def __init__(self, history: Sequence[Turn], revision: int) -> None:
        self.revision = revision
        self.changes: list[Turn] = []
        self.chain: list[Entry] = [_entry(turn) for turn in history]
        self.entries = {entry.item: entry for entry in self.chain}

    def place(self, item: str, role: Role, previous: str | None = None, source: Source = Source.SPOKEN) -> Entry:
        """Put an item behind another one: at the end when that one is not known. A second call corrects the place."""
        entry = self.entries.get(item)
        if entry is None:
            entry = self.entries[item] = Entry(item, role, source)
            self.chain.insert(self._place_behind(previous), entry)
        elif previous and previous != item and self.entries.get(previous) not in {None, self._previous(entry)}:
            self._move(entry, previous)
        return entry

    def save(self, entry: Entry) -> None:
        """Make a new revision of a turn, and of the one behind it when that follows something new."""
        entry.shown = True
        follower = self._next_shown(entry)
        self._revise(entry)
        if follower is not None and follower.after != entry.item:
            self._revise(follower)

    def _revise(self, entry: Entry) -> None:
        self.revision += 1
        entry.revision = self.revision
        entry.after = self._shown_before(entry)
        self.changes.append(entry.turn())

    def _place_behind(self, previous: str | None) -> int:
        known = self.entries.get(previous) if previous else None
        return self.chain.index(known) + 1 if known else len(self.chain)

    def _move(self, entry: Entry, previous: str) -> None:
        left = self._next_shown(entry)
        self.chain.remove(entry)
        self.chain.insert(self._place_behind(previous), entry)
        if not entry.shown:
            return
        self.save(entry)
        if left is not None and left.after == entry.item and self._shown_before(left) != entry.item:
            self._revise(left)

    def _previous(self, entry: Entry) -> Entry | None:
        index = self.chain.index(entry)
        return self.chain[index - 1] if index else None

    def _shown_before(self, entry: Entry) -> str | None:
        before = self.chain[: self.chain.index(entry)]
        return next((earlier.item for earlier in reversed(before) if earlier.shown), None)

    def _next_shown(self, entry: Entry) -> Entry | None:
        behind = self.chain[self.chain.index(entry) + 1 :]
        return next((later for later in behind if later.shown), None)


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
