"""Pages of a list whose length nobody needs: counting a hundred thousand rows costs more than showing twenty-five."""

from typing import Any


class Page:
    """One page. Whether another follows is seen from one row more than it shows."""

    def __init__(self, rows: list[Any], number: int, has_next: bool) -> None:
        self.object_list = rows
        self.number = number
        self._has_next = has_next

    def __iter__(self) -> Any:
        return iter(self.object_list)

    def __len__(self) -> int:
        return len(self.object_list)

    def has_next(self) -> bool:
        return self._has_next

    def has_previous(self) -> bool:
        return self.number > 1

    def has_other_pages(self) -> bool:
        return self.has_next() or self.has_previous()

    def next_page_number(self) -> int:
        return self.number + 1

    def previous_page_number(self) -> int:
        return self.number - 1


FURTHEST = 2000  # pages; beyond that a search finds it sooner


def page_of(rows: Any, per_page: int, wanted: str | None) -> Page:
    """The wanted page; the first where the number is none, an empty one behind the end."""
    number = _number(wanted)
    begin = (number - 1) * per_page
    found = list(rows[begin : begin + per_page + 1])
    return Page(found[:per_page], number, len(found) > per_page and number < FURTHEST)


def _number(wanted: str | None) -> int:
    is_number = wanted is not None and wanted.isdecimal() and len(wanted) < 6
    return min(max(1, int(wanted or 1)), FURTHEST) if is_number else 1
