"""Turns of a transcript without a database: their fields, what is shown of them, and their order.

This module does not import Django, so that all layers share one list of fields. A call builds `TurnSnapshot`s and must
not depend on the database. The model `TranscriptTurn` saves them (`from_snapshot`) and reads them back (`to_snapshot`).
Pages, the API, and exports show what `public_turn` returns.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Protocol, TypedDict, TypeVar

INAUDIBLE_TEXT = "[inaudible]"  # text of speech that could not be transcribed


class SpeakerRole(StrEnum):
    CALLER = "caller"
    COUNSELOR = "counselor"


class TurnSource(StrEnum):
    SPOKEN = "spoken"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class TurnSnapshot:
    """State of one turn. A later revision replaces an earlier one."""

    revision: int  # counts up over the session
    item: str  # upstream's id
    after: str | None  # item of the preceding turn; None for the first
    role: SpeakerRole
    text_generated: str  # full text from upstream
    text_heard: str  # part of it that was heard or read
    is_final: bool
    start_ms: int | None  # on the recording's clock; None in a chat
    end_ms: int | None
    source: TurnSource = TurnSource.SPOKEN
    is_interrupted: bool = False  # True if the caller was cut off


SNAPSHOT_FIELDS = tuple(field.name for field in fields(TurnSnapshot))


class PublicTurn(TypedDict):
    """Turn as pages, the API, and exports show it, with the field names that clients rely on."""

    revision: int
    item: str
    after: str | None
    role: SpeakerRole
    text: str
    final: bool
    source: TurnSource
    interrupted: bool
    start_ms: int | None
    end_ms: int | None


def public_turn(turn: TurnSnapshot) -> PublicTurn:
    """Return what may be shown of a turn. Text that was generated but never heard is left out."""
    return {
        "revision": turn.revision,
        "item": turn.item,
        "after": turn.after,
        "role": turn.role,
        "text": turn.text_heard,
        "final": turn.is_final,
        "source": turn.source,
        "interrupted": turn.is_interrupted,
        "start_ms": turn.start_ms,
        "end_ms": turn.end_ms,
    }


class ChainedTurn(Protocol):
    """A turn that names its predecessor."""

    item: str
    after: str  # item of the predecessor; empty for the first turn
    epoch: int
    revision: int


AnyTurn = TypeVar("AnyTurn", bound=ChainedTurn)


def in_spoken_order(turns: Iterable[AnyTurn]) -> list[AnyTurn]:
    """Return the turns along their chain, not in order of arrival.

    If two turns have the same predecessor, the earlier epoch goes first, then the earlier revision. A turn whose
    predecessor is missing (deleted upstream or not stored yet) is placed among the roots by epoch and revision.
    """
    turns = sorted(turns, key=lambda turn: (turn.epoch, turn.revision), reverse=True)
    known = {turn.item for turn in turns}
    followers: defaultdict[str, list[AnyTurn]] = defaultdict(list)
    for turn in turns:
        followers[turn.after if turn.after in known else ""].append(turn)
    ordered: list[AnyTurn] = []
    waiting = followers[""]
    while waiting:
        turn = waiting.pop()
        ordered.append(turn)
        waiting.extend(followers[turn.item])
    # A circular chain has no root; append its turns, so that none is lost.
    placed = {turn.item for turn in ordered}
    return ordered + [turn for turn in reversed(turns) if turn.item not in placed]
