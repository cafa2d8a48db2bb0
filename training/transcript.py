"""Order of the turns in a transcript: plain functions over objects with `item`, `after`, `epoch`, and `revision`."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar


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
