"""Checklists of first steps, whose items are checked by facts and never by a click."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ChecklistItem:
    """A step, and the page on which it is done. Without `url`, somebody else has to do it."""

    title: str
    text: str
    is_done: bool
    action: str
    url: str | None
    icon: str
    help: str = ""  # two sentences about words of the step


@dataclass(frozen=True)
class Checklist:
    items: Sequence[ChecklistItem]

    @property
    def done_count(self) -> int:
        return sum(item.is_done for item in self.items)

    @property
    def percent(self) -> int:
        return round(100 * self.done_count / len(self.items))

    @property
    def is_complete(self) -> bool:
        return self.done_count == len(self.items)

    @property
    def next_item(self) -> ChecklistItem | None:
        """The first item that is left, or None if all are done."""
        return next((item for item in self.items if not item.is_done), None)
