"""Helpers that read packs, expect them to be rejected, or write them."""

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


def positions_of(data, filename=""):
    return [problem[:3] for problem in problems_of(data, filename)]


def refusal_of(data, filename="", **limits):
    """Return line, column, and message of the UnreadablePackError that a file raises."""
    with pytest.raises(UnreadablePackError) as error:
        rows_of(data, filename, **limits)
    return error.value.line, error.value.column, str(error.value.reason)


def ignored_columns_of(data, filename=""):
    unknown_columns = UnknownColumns()
    rows_of(data, filename, unknown_columns=unknown_columns)
    return unknown_columns.ignored_columns


def write_pack_bytes(write, rows):
    """Return the bytes of a pack as they would be written to a file."""
    buffer = BytesIO()
    out = TextIOWrapper(buffer, encoding="utf-8", newline="")
    write(rows, out)
    out.flush()
    return buffer.getvalue()
