"""Filters and orders of a list as links. The choice is in the address, and the other filters are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict


@dataclass(frozen=True)
class FilterLink:
    """One choice of a filter."""

    label: Any
    query: str  # query string, with its question mark
    is_current: bool


def build_filter_links(
    data: QueryDict, name: str, choices: Iterable[tuple[str, Any]], default: str = ""
) -> list[FilterLink]:
    """Return a link for each choice of the filter `name`. A link returns to the first page."""
    current = data.get(name) or default
    return [FilterLink(label, _query_with(data, name, value, default), value == current) for value, label in choices]


@dataclass(frozen=True)
class SortLink:
    """Head of a column that sorts by it. A second press reverses the order."""

    query: str
    direction: str  # value of `aria-sort`


def build_sort_link(data: QueryDict, first: str, second: str, default: str = "") -> SortLink:
    """Return a link that sorts by `first`, or by `second` if `first` is in use. Names that begin with “-” descend."""
    current = data.get("sort") or default
    following = second if current == first else first
    directions = {first: _direction(first), second: _direction(second)}
    return SortLink(_query_with(data, "sort", following, default), directions.get(current, "none"))


def _direction(order: str) -> str:
    return "descending" if order.startswith("-") else "ascending"


def _query_with(data: QueryDict, name: str, value: str, default: str) -> str:
    query = data.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value != default:
        query[name] = value
    for empty in [key for key in query if not any(query.getlist(key))]:
        del query[empty]
    return f"?{query.urlencode()}"
