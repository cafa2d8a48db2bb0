"""Files as a trainer may hand them in, and what becomes of them."""

from io import BytesIO, TextIOWrapper

import pytest

from scenarios.packs.reading import Notes, PackRefused, read_pack


def rows_of(data, filename="", **limits):
    return list(read_pack(BytesIO(data), filename, **limits))


def values_of(data, filename=""):
    """The rows of a file that has nothing wrong in it."""
    rows = rows_of(data, filename)
    assert [problem for row in rows for problem in row.problems] == []
    return [row.values for row in rows]


def problems_of(data, filename=""):
    return [(one.field, one.line, one.column, one.message) for row in rows_of(data, filename) for one in row.problems]


def places_of(data, filename=""):
    return [problem[:3] for problem in problems_of(data, filename)]


def refusal_of(data, filename="", **limits):
    """Line, column and words with which a file is refused."""
    with pytest.raises(PackRefused) as refused:
        rows_of(data, filename, **limits)
    return refused.value.line, refused.value.column, refused.value.args[0]


def ignored_in(data, filename=""):
    notes = Notes()
    rows_of(data, filename, notes=notes)
    return notes.ignored_columns


def written(write, rows):
    """The bytes of a pack, as they go into a file."""
    held = BytesIO()
    out = TextIOWrapper(held, encoding="utf-8", newline="")
    write(rows, out)
    out.flush()
    return held.getvalue()
