"""Pagination without a total, because counting 100,000 rows takes longer than showing 25."""

from typing import Any


class CountlessPage:
    """One page of rows. One extra row is read to find out whether another page follows."""

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


MAX_PAGE_NUMBER = 2000  # beyond this page a search is faster


def get_countless_page(rows: Any, per_page: int, requested: str | None) -> CountlessPage:
    """Return the requested page. An invalid number gets the first page, and a number past the end an empty page."""
    number = _parse_page_number(requested)
    start = (number - 1) * per_page
    found = list(rows[start : start + per_page + 1])
    return CountlessPage(found[:per_page], number, len(found) > per_page and number < MAX_PAGE_NUMBER)


def _parse_page_number(requested: str | None) -> int:
    is_number = requested is not None and requested.isdecimal() and len(requested) < 6
    return min(max(1, int(requested or 1)), MAX_PAGE_NUMBER) if is_number else 1
