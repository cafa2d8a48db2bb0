"""Shortcuts that read packs, expect their refusal, or write them."""

from io import BytesIO, TextIOWrapper

import pytest

from scenarios.packs.reader import UnknownColumns, UnreadablePackError, read_pack


def rows_of(data, filename="", **limits):
    return list(read_pack(BytesIO(data), filename, **limits))


def values_of(data, filename=""):
    """Return the row values of a file, after checking that it has no problems."""
    rows = rows_of(data, filename)
    assert [problem for row in rows for problem in row.problems] == []
    return [row.values for row in rows]


def problems_of(data, filename=""):
    return [
        (one.field, one.line, one.column, str(one.message)) for row in rows_of(data, filename) for one in row.problems
    ]


def places_of(data, filename=""):
    return [problem[:3] for problem in problems_of(data, filename)]


def refusal_of(data, filename="", **limits):
    """Return line, column, and message of the UnreadablePackError that a file raises."""
    with pytest.raises(UnreadablePackError) as refused:
        rows_of(data, filename, **limits)
    return refused.value.line, refused.value.column, str(refused.value.reason)


def ignored_in(data, filename=""):
    notes = UnknownColumns()
    rows_of(data, filename, notes=notes)
    return notes.ignored_columns


def written(write, rows):
    """Return the bytes of a pack as they would be written to a file."""
    held = BytesIO()
    out = TextIOWrapper(held, encoding="utf-8", newline="")
    write(rows, out)
    out.flush()
    return held.getvalue()
