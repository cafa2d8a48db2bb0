import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.packs.columns import COLUMNS, ColumnType
from scenarios.packs.writer import write_csv, write_json
from tests.scenarios.packs.reading_packs import values_of, write_pack_bytes

AWKWARD = st.sampled_from(list("'\"=+-@;,\t\r\n \\{}[]:") + ["\ufeff", "\u2028", "\x85", "\x1c", "🙂", "é", "\x01"])
CHARACTERS = st.one_of(AWKWARD, st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TEXTS = st.text(CHARACTERS, max_size=30).map(lambda text: text.replace("\r\n", "\n"))
VALUES = {
    ColumnType.TEXT: TEXTS,
    ColumnType.INTEGER: st.integers(-(10**9), 10**9),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.NAMES: st.lists(TEXTS, max_size=4),
}
TITLES = TEXTS.map(str.strip).filter(bool)
ROWS = st.lists(st.fixed_dictionaries({name: VALUES[kind] for name, kind in COLUMNS.items()} | {"title": TITLES}))


@settings(deadline=None)
@given(ROWS)
def test_json_reads_back_as_the_same_rows(rows):
    assert values_of(write_pack_bytes(write_json, rows), "pack.json") == rows


@settings(deadline=None)
@given(ROWS)
def test_csv_reads_back_as_the_same_rows(rows):
    nonempty_rows = [{name: value for name, value in row.items() if value not in ("", [])} for row in rows]

    assert values_of(write_pack_bytes(write_csv, rows), "pack.csv") == nonempty_rows


@settings(deadline=None)
@given(ROWS)
def test_rewriting_read_rows_is_stable(rows):
    for write, filename in [(write_json, "pack.json"), (write_csv, "pack.csv")]:
        once = write_pack_bytes(write, rows)

        assert write_pack_bytes(write, values_of(once, filename)) == once


def test_names_that_look_like_an_empty_cell_are_kept():
    rows = [{"title": "A", "skills": ["None"]}, {"title": "n/a", "skills": ["n/a", "NIL"]}]

    assert values_of(write_pack_bytes(write_csv, rows), "pack.csv") == rows


def test_json_is_indented_document():
    rows = [{"title": "A", "skills": ["é"]}, {"is_active": True, "title": "B"}]

    text = write_pack_bytes(write_json, rows).decode()

    assert json.loads(text) == {"scenarios": rows}
    assert text.splitlines()[:4] == ["{", '  "scenarios": [', "    {", '      "title": "A",']
    assert '"é"' in text


def test_csv_has_every_column_and_escapes_formulas():
    text = write_pack_bytes(
        write_csv, [{"title": "=1+1", "prompt": "a\nb", "skills": ["x", "y"], "is_active": False}]
    ).decode()

    cells = {"title": "'=1+1", "prompt": "a\nb", "skills": "x; y", "is_active": "false"}
    lines = [COLUMNS, [cells.get(name, "") for name in COLUMNS]]
    assert text == "".join(",".join(f'"{value}"' for value in line) + "\r\n" for line in lines)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_cell_is_escaped_after_other_separators(separator):
    text = write_pack_bytes(write_csv, [{"title": f"hello{separator}=1+1", "prompt": "You."}]).decode()

    assert text.splitlines()[1].startswith(f'"hello{separator}\'=1+1","You.",')


@pytest.mark.parametrize(("write", "filename"), [(write_json, "pack.json"), (write_csv, "pack.csv")])
def test_empty_pack_is_written(write, filename):
    assert values_of(write_pack_bytes(write, []), filename) == []


@pytest.mark.parametrize("write", [write_json, write_csv])
def test_rows_are_streamed(write):
    class Out:
        pieces = 0

        def write(self, text):
            self.pieces += 1

    out, before = Out(), []

    def rows():
        for number in range(3):
            before.append(out.pieces)
            yield {"title": str(number)}

    write(rows(), out)

    assert sorted(set(before)) == before
