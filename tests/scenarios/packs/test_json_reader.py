import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.packs.file_positions import MAX_ROW_BYTES
from scenarios.packs.reader import UnreadablePackError
from tests.scenarios.packs.reading_packs import (
    ignored_columns_of,
    positions_of,
    problems_of,
    refusal_of,
    rows_of,
    values_of,
)

ROW = b'{"title": "A", "prompt": "B"}'
PLAIN = {"title": "A", "prompt": "B"}


@pytest.mark.parametrize(
    "document",
    [
        b"[%s]" % ROW,
        b'{"scenarios": [%s]}' % ROW,
        b'{"Scenarios": [%s]}' % ROW,
        b'\n {"version": 1.5, "scenarios": [%s], "by": {"name": null}}\n\n' % ROW,
        b"\xef\xbb\xbf[%s]" % ROW,
        b'[{"Title": "A\\r\\n", "prompt": "B", "skills": null, "source": [{"a": [1e400]}]}]',
    ],
)
def test_list_is_read_bare_or_in_object(document):
    assert values_of(document) == [PLAIN]


@pytest.mark.parametrize("document", [b"[]", b'{"scenarios":[]}', b" [ \r\n ] "])
def test_empty_list_is_read(document):
    assert values_of(document) == []


def test_all_types_and_spellings_are_read():
    document = b"""[{"title": " A ", "evaluatorContext": "x\\r\\ny", "estimatedMinutes": 20, "isOneTime": true,
                     "is_active": false, "skills": ["a", "b"], "relevantPolicySections": ""}]"""

    assert values_of(document) == [
        {
            "title": "A",
            "evaluator_context": "x\ny",
            "estimated_minutes": 20,
            "is_one_time": True,
            "is_active": False,
            "skills": ["a", "b"],
            "relevant_policy_sections": "",
        }
    ]


def test_rows_have_number_and_line():
    document = b'{"scenarios": [\n  {"title": "a"}, {"title":\n "b"},\r\n\r\n {}\n]}'

    assert [(row.number, row.line) for row in rows_of(document)] == [(1, 2), (2, 2), (3, 5)]


def test_ignored_names_are_collected():
    document = b'{"version": 1, "scenarios": [{"title": "a", "id": 7}, {"id": 8, "created_at": "-"}]}'

    assert ignored_columns_of(document) == {"version", "id", "created_at"}


@pytest.mark.parametrize(
    ("member", "field", "message"),
    [
        (b'"title": 7', "title", "Enter text in quotation marks. Found the number 7."),
        (b'"prompt": ["a"]', "prompt", "Enter text. Found a list."),
        (b'"mode": {}', "mode", "Enter text. Found an object."),
        (b'"account": true', "account", "Enter text in quotation marks. Found true."),
        (
            b'"estimated_minutes": "soon"',
            "estimated_minutes",
            "Enter a whole number, such as 15. Found the text “soon”.",
        ),
        (
            b'"estimatedMinutes": 1.5',
            "estimated_minutes",
            "Enter a whole number, such as 15. Found the number 1.5.",
        ),
        (b'"estimated_minutes": true', "estimated_minutes", "Enter a whole number, such as 15. Found true."),
        (b'"is_active": 2', "is_active", "Enter true or false. Found the number 2."),
        (b'"is_active": "maybe"', "is_active", "Enter true or false. Found the text “maybe”."),
        (b'"skills": true', "skills", "Enter a list of names. Found true."),
        (
            b'"skills": ["a", null]',
            "skills",
            "Enter a list of names. Found a list that contains something other than text.",
        ),
        (
            b'"estimated_minutes": NaN',
            "estimated_minutes",
            "NaN is not a number in JSON. Enter a whole number, or leave the field out.",
        ),
        (
            b'"note": [{"x": -Infinity}]',
            "note",
            "-Infinity is not a number in JSON. Enter a whole number, or leave the field out.",
        ),
        (b'"estimated_minutes": ' + b"9" * 21, "estimated_minutes", "This number has more than 20 digits."),
        (b'"estimated_minutes": ' + b"9" * 5000, "estimated_minutes", "This number has more than 20 digits."),
        (b'"note": 0.' + b"1" * 21, "note", "This number has more than 20 digits."),
        (
            b'"prompt": "a \\ud800 b"',
            "prompt",
            "The text contains an incomplete character (\\ud800), which can’t be stored. Remove it.",
        ),
        (b'"skills": ["\\u0000"]', "skills", "The text contains a NUL character, which can’t be stored. Remove it."),
        (b'"note": {"\\u0000": 1}', "note", "The text contains a NUL character, which can’t be stored. Remove it."),
        (b'"a\\u0000": 1', "a\ufffd", "The text contains a NUL character, which can’t be stored. Remove it."),
        (b'"note": {"a": 1, "a": 2}', "note", "An object in this value uses the same name twice. Keep one."),
        (
            b'"evaluator_contxt": "x"',
            "evaluator_contxt",
            "There is no column “evaluator_contxt”. Did you mean “evaluator_context”?",
        ),
        (
            b'"category":"x","category":"y"',
            "category",
            "“category” repeats the field category in this row. Keep one.",
        ),
    ],
)
def test_invalid_member_is_reported_with_position(member, field, message):
    document = b'[%s,\n {"difficulty": "\xc3\xa9", "opens": "", %s},\n%s]' % (ROW, member, ROW)
    column = 35 + (member.index(b",") + 1 if b"category" in member else 0)

    assert problems_of(document) == [(field, 2, column, message)]
    assert [row.values for row in rows_of(document)][::2] == [PLAIN, PLAIN]


def test_problems_of_row_are_limited():
    members = b", ".join(b'"column %d": NaN' % number for number in range(90))

    assert len(problems_of(b"[{%s}]" % members)) == 50


def test_two_spellings_of_field_are_duplicates():
    document = b'[{"isOneTime": true,\n"is_one_time": false, "is-one-time": false}]'

    assert rows_of(document)[0].values == {"is_one_time": True}
    assert problems_of(document) == [
        ("is_one_time", 2, 1, "“is_one_time” repeats the field is_one_time in this row. Keep one.")
    ]


def test_problems_of_row_are_in_order():
    document = b'[{"title": 1, "mode":\n2, "x": {"y": "}]"}, "skils": []}, 5, "six", [7]]'

    places = [("title", 1, 3), ("mode", 1, 15), ("skils", 2, 22), ("", 2, 36), ("", 2, 39), ("", 2, 46)]
    assert positions_of(document) == places


@pytest.mark.parametrize("row", [b"5", b'"{}"', b"[]", b"null", b"true", b'["title"]', b"NaN"])
def test_row_that_is_not_an_object_is_reported(row):
    rows = rows_of(b"[%s, %s]" % (row, ROW))

    assert [(one.field, one.line, one.column, str(one.message)) for one in rows[0].problems] == [
        ("", 1, 2, "This row is not an object. Write it in { }.")
    ]
    assert (rows[0].values, rows[1].values) == ({}, PLAIN)


NO_NAME = "A name in double quotation marks is missing, or there is a comma before a closing bracket."
NO_VALUE = "A value is missing or is not valid JSON. Put text in double quotation marks."
NO_COMMA = "A comma or a closing bracket is missing before this."
CUT_OFF = "The file ends before its last bracket is closed. It may be incomplete."
NOT_CLOSED = "This text is not closed on its line. Add a closing quotation mark. Write a line break inside text as \\n."


@pytest.mark.parametrize(
    ("document", "line", "column", "message"),
    [
        (b'[{"title": "a"},\n {"title": b"}]', 2, 12, f"Row 2. {NO_VALUE}"),
        (b'[{"title": "a",\n "prompt": "\xc3\xa9" "b"}]', 2, 16, f"Row 1. {NO_COMMA}"),
        (b'[{"title": "a"\n]', 2, 1, f"Row 1. {NO_COMMA}"),
        (b'[{"title": "a",}]', 1, 16, f"Row 1. {NO_NAME}"),
        (b"[{'title': \"it's\"}]", 1, 3, f"Row 1. {NO_NAME}"),
        (b'[{"a": "b",\n  "c": "d\n"}, {"e": "f"}]', 2, 8, f"Row 1. {NOT_CLOSED}"),
        (
            b'[{"title": "a\tb"}]',
            1,
            14,
            "Row 1. Text contains a raw control character. Write a tab as \\t, and remove any others.",
        ),
        (b'[{"title" "a"}]', 1, 11, "Row 1. A colon is missing between a name and its value."),
        (b"[\n{},\n nope]", 3, 2, f"Row 2. {NO_VALUE}"),
        (b"[{},]", 1, 5, f"Row 2. {NO_VALUE}"),
        (b"[{} {}]", 1, 5, "Row 1. A comma or the closing ] is missing after this row."),
        (b"[{}}", 1, 4, "Row 1. A comma or the closing ] is missing after this row."),
        (b'[{"a": ]}]', 1, 8, f"Row 1. {NO_VALUE}"),
        (b'[{}, {"a": [1,\n2', 2, 2, f"Row 2. {CUT_OFF}"),
        (b"[{},", 1, 5, f"Row 2. {CUT_OFF}"),
        (b"[", 1, 2, f"Row 1. {CUT_OFF}"),
        (b'[{"a": "b', 1, 8, f"Row 1. {NOT_CLOSED}"),
        (b'{"scenarios": [{}]', 1, 19, "A comma or the closing } is missing before this."),
        (b'{"scenarios": [{}],}', 1, 20, NO_NAME),
        (b'{"scenarios" [{}]}', 1, 14, "A colon is missing between a name and its value."),
        (b'{"version": one, "scenarios": []}', 1, 13, NO_VALUE),
        (b'{"version": "\\ud800", "scenarios": []}', 1, 2, "“version”: The text contains an incomplete "
         "character (\\ud800), which can’t be stored. Remove it."),
        (b'{"version": Infinity, "scenarios": []}', 1, 2, "“version”: Infinity is not a number in JSON. "
         "Enter a whole number, or leave the field out."),
        (b"[]\n\n x", 3, 2, "There is more text after the end of the JSON document. Remove it."),
        (b"[{}]\n[{}]", 2, 1, "There is more text after the end of the JSON document. Remove it."),
        (b'{"scenarios": [],\n "scenarios": []}', 2, 2, "“scenarios” appears twice. Keep one."),
        (b'{"a": 1, "scenarios": [{}], "a": 1}', 1, 29, "“a” appears twice. Keep one."),
        (b"[" * 200_000, 1, 21, "Row 1. Brackets are nested more than 20 levels deep here."),
        (b'[{"a":\n' + b'{"a":' * 200_000, 2, 91, "Row 1. Brackets are nested more than 20 levels deep here."),
        (b'{"x":' + b"[" * 30, 1, 25, "Brackets are nested more than 20 levels deep here."),
        (b'[{"title": "\xc3\xa9"},\n{"title": "\xe9"}]', 2, 12, "The file is not UTF-8: the byte 0xE9 is invalid here. "
         "Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”) and upload it again."),
        (b'[{"title": "\xed\xa0\x80"}]', 1, 13, "The file is not UTF-8: the byte 0xED is invalid here. "
         "Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”) and upload it again."),
    ],
)  # fmt: skip
def test_broken_document_is_rejected_with_position(document, line, column, message):
    assert refusal_of(document) == (line, column, message)


@pytest.mark.parametrize(
    ("document", "column", "detail"),
    [
        (b'{"items": [], "title": "a"}', 27, "This object contains “items”, “title”."),
        (b"{}", 2, "This object is empty."),
        (b'{"scenarios": {"a": 1}}', 15, "“scenarios” is not a list."),
        (b'{"scenarios": null}', 15, "“scenarios” is not a list."),
        (b"title,prompt", 1, "A pack is a JSON object"),
        (b"5", 1, "A pack is a JSON object"),
    ],
)
def test_document_without_list_is_rejected(document, column, detail):
    line, found_column, message = refusal_of(document, "pack.json")

    assert (line, found_column) == (1, column)
    assert "A pack is a JSON object with a list named “scenarios”, or just that list." in message
    assert detail in message


def test_nesting_limit_is_twenty_brackets():
    rows = b'[{"title": "A", "prompt": "B", "note": %s}]'
    wrapped = b'{"scenarios": %s}' % rows

    assert values_of(rows % (b"[" * 18 + b"]" * 18)) == [PLAIN]
    assert values_of(wrapped % (b"[" * 17 + b"]" * 17)) == [PLAIN]
    assert refusal_of(rows % (b"[" * 19 + b"]" * 19))[:2] == (1, 58)
    assert refusal_of(wrapped % (b"[" * 18 + b"]" * 18))[:2] == (1, 71)


def test_number_of_twenty_digits_is_read():
    assert values_of(b'[{"estimated_minutes": -%s}]' % (b"9" * 20)) == [{"estimated_minutes": -(10**20 - 1)}]


@pytest.mark.parametrize(
    "row", [b'{"a": "%s"}', b'"%s"', b"%s", b'{"a": [%s'], ids=["object", "text", "word", "never closed"]
)
def test_overlong_row_is_rejected_with_position(row):
    line, column, message = refusal_of(b"[{},\n" + row % (b"1" * (MAX_ROW_BYTES + 1)) + b"]")

    assert (line, column) == (2, 1)
    assert message == (
        "Row 2. The value that starts here is longer than 1 MB. Check for a missing closing bracket or quotation mark."
    )


def test_too_many_unknown_names_are_rejected():
    rows = b",\n".join(b'{"column %d": 1}' % number for number in range(101))

    line, column, message = refusal_of(b"[" + rows + b"]")

    assert (line, column) == (101, 1)
    assert "more than 100 unknown columns" in message


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters())),
    lambda inner: st.lists(inner) | st.dictionaries(st.one_of(st.sampled_from(["title", "skills"]), st.text()), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from(["title", "skills", "isActive"]), VALUES))))
def test_any_json_value_as_row_is_handled(values):
    document = json.dumps(values, indent=1).encode()
    try:
        rows = rows_of(document)
    except UnreadablePackError as error:
        assert "nested" in str(error)
        return

    assert [row.number for row in rows] == list(range(1, len(values) + 1))
    for row, value in zip(rows, values, strict=True):
        assert row.problems or isinstance(value, dict)
        assert all(problem.line and problem.column for problem in row.problems)


@settings(deadline=None)
@given(st.text(st.sampled_from('[]{}",:\\ \n0aé'), max_size=40))
def test_reader_agrees_with_strict_parser(text):
    document = "[" + text + "]"
    try:
        expected = len(json.loads(document))
    except json.JSONDecodeError:
        expected = None

    try:
        found = len(rows_of(document.encode(), "pack.json"))
    except UnreadablePackError as error:
        assert (error.line is None, error.column is None) == (False, False)
        found = None

    assert found == expected


def test_spellings_of_other_programs_are_read():
    row = (
        b'[{"title": "A", "prompt": "B", "estimated_minutes": "15.0", "is_active": "Y", "is_one_time": 0,'
        b' "skills": "calm; listening"}, {"title": "C", "prompt": "D", "is_active": "", "estimated_minutes": "n/a"}]'
    )

    assert values_of(row) == [
        {
            "title": "A",
            "prompt": "B",
            "estimated_minutes": 15,
            "is_active": True,
            "is_one_time": False,
            "skills": ["calm", "listening"],
        },
        {"title": "C", "prompt": "D"},
    ]
