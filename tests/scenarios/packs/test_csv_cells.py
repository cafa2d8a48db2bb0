import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.web.spreadsheets import write_safe_rows
from scenarios.packs.columns import ColumnType
from scenarios.packs.csv_cells import escape_formula, read_cell, unescape_formula, write_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@home", "\tx", "\rx", "- a list", "'=1", "''-x"])
def test_formula_is_escaped(text):
    assert escape_formula(text) == "'" + text


@pytest.mark.parametrize("sign", "\uff1d\uff0b\uff0d\uff20")
def test_full_width_sign_is_escaped(sign):
    assert escape_formula(f"{sign}1") == f"'{sign}1"


@pytest.mark.parametrize("ignored", ["\u3000", "\u2003", "\u202f", "\ufeff", "\u200b", "\u202e", "\x0b", '\u00a0"'])
@pytest.mark.parametrize("start", ["", "a,", "a;", "a\t", "a|", "a\n"])
def test_formula_after_characters_that_programs_ignore_is_escaped(start, ignored):
    assert escape_formula(f"{start}{ignored}=1") == f"{start}{ignored}'=1"
    assert unescape_formula(f"{start}{ignored}'=1") == f"{start}{ignored}=1"


@pytest.mark.parametrize("text", ["", "plain", "'quoted'", "1=1", "'", "''", "a-b", "2 - 1"])
def test_harmless_text_is_unchanged(text):
    assert (escape_formula(text), unescape_formula(text)) == (text, text)


@given(st.text(st.sampled_from("'=+-@\uff1d\u200b\u3000\t\r\n a;,|\""), max_size=8))
def test_unescape_reverses_escape(text):
    assert unescape_formula(escape_formula(text)) == text
    assert escape_formula(text)[:1] not in set("=+-@\t\r")


@given(st.lists(st.text(st.sampled_from("'=+-@\t\n a;,|\""), max_size=8), min_size=2, max_size=3))
def test_no_cell_is_a_formula_for_any_separator(cells):
    out = io.StringIO(newline="")
    write_safe_rows([cells], out)

    for separator in ",;\t|":
        found = [
            cell for row in csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=separator) for cell in row
        ]
        assert [cell for cell in found if cell.lstrip(' "')[:1] in set("=+-@")] == []


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("15.0", 15),
        ("15 min", 15),
        ("15 Minutes", 15),
        ("\u200b", None),
        ("null", None),
        ("15", 15),
        (" 15 ", 15),
        ("+5", 5),
        ("-5", -5),
        ("", None),
        ("  ", None),
    ],
)
def test_integer_is_read(cell, number):
    assert read_cell(ColumnType.INTEGER, cell) == number


@pytest.mark.parametrize("cell", ["soon", "15.5", "1_5", "１５", "1e3", "1 5", "9" * 21])
def test_invalid_integer_is_rejected(cell):
    with pytest.raises(ValueError, match=f"^Enter a whole number, such as 15, instead of “{cell}”.$"):
        read_cell(ColumnType.INTEGER, cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("true", True),
        ("TRUE", True),
        ("Yes", True),
        ("1", True),
        ("false", False),
        (" NO ", False),
        ("0", False),
        ("Y", True),
        ("x", True),
        ("✓", True),
        ("n", False),
        ("NULL", None),
        ("", None),
    ],
)
def test_boolean_is_read(cell, value):
    assert read_cell(ColumnType.BOOLEAN, cell) is value


@pytest.mark.parametrize("cell", ["maybe", "2", "perhaps"])
def test_invalid_boolean_is_rejected(cell):
    with pytest.raises(ValueError, match=f"^Enter true or false .* instead of “{cell}”.$"):
        read_cell(ColumnType.BOOLEAN, cell)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Risk assessment", ["Risk assessment"]),
        ("Risk assessment; Safety planning;", ["Risk assessment", "Safety planning"]),
        ("a;b ; c", ["a", "b", "c"]),
        ("a\nb\r\nc", ["a", "b", "c"]),
        ('"a; b" ; c', ["a; b", "c"]),
        ('"say ""hello"""', ['say "hello"']),
        ('5" tall; " b "', ['5" tall', " b "]),
        (";;\n; a", ["a"]),
        ("", None),
        (" ; \n", None),
    ],
)
def test_names_are_split_at_semicolons_and_line_breaks(cell, names):
    assert read_cell(ColumnType.NAMES, cell) == names


@pytest.mark.parametrize(("cell", "quoted_part"), [('a; "b', '"b'), ('"a" b; c', '"a" b; c')])
def test_stray_quote_in_names_is_rejected(cell, quoted_part):
    with pytest.raises(
        ValueError, match=f"^A quotation mark is not closed, or there is text after it: “{quoted_part}”"
    ):
        read_cell(ColumnType.NAMES, cell)


@given(
    st.lists(st.text(st.one_of(st.sampled_from(" \"';\n\r=-"), st.characters(exclude_categories=["Cs"]))), min_size=1)
)
def test_names_round_trip(names):
    assert read_cell(ColumnType.NAMES, write_cell(names)) == [name.replace("\r\n", "\n") for name in names]


@pytest.mark.parametrize(
    ("value", "cell"),
    [(15, "15"), (True, "true"), (False, "false"), (["a", "b;c"], 'a; "b;c"'), ([], ""), ("", ""), (["=x"], "'=x")],
)
def test_values_are_written_readably(value, cell):
    assert write_cell(value) == cell
