"""The order of a transcript: plain functions over anything with `item`, `after`, `epoch` and `revision`."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Chained(Protocol):
    item: str
    after: str
    epoch: int
    revision: int


Turn = TypeVar("Turn", bound=Chained)


def in_spoken_order(turns: Iterable[Turn]) -> list[Turn]:
    """Turns along their chain, never by arrival.

    Where two follow the same one, the earlier epoch and then the earlier change goes first. A turn whose predecessor is
    not there (deleted upstream, or not stored yet) stands where its epoch and revision put it among the roots.
    """
    turns = sorted(turns, key=lambda turn: (turn.epoch, turn.revision), reverse=True)
    known = {turn.item for turn in turns}
    followers: defaultdict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        followers[turn.after if turn.after in known else ""].append(turn)
    ordered: list[Turn] = []
    waiting = followers[""]
    while waiting:
        turn = waiting.pop()
        ordered.append(turn)
        waiting.extend(followers[turn.item])
    # A chain that bites its own tail has no beginning; its turns are not lost for that.
    placed = {turn.item for turn in ordered}
    return ordered + [turn for turn in reversed(turns) if turn.item not in placed]
