import csv

import pytest

from scenarios.packs.file_positions import MAX_ROW_BYTES
from tests.scenarios.packs.reading_packs import (
    ignored_columns_of,
    positions_of,
    problems_of,
    refusal_of,
    rows_of,
    values_of,
)

HEADER = b"title,prompt,estimated_minutes,is_active,skills\n"


@pytest.mark.parametrize(
    "text",
    [
        "title,prompt,evaluator_context\nA,B,é\n",
        "title;prompt;evaluator_context\r\nA;B;é",
        "title\tprompt\tevaluator_context\rA\tB\té\r",
        "title|prompt|evaluator_context\nA|B|é\n",
        "title,prompt,evaluator_context\nA,B,é,, ,\u200b\n",
        '"title", "prompt", "evaluator_context"\n"A", "B",  "é"\n',
        '"title";  "prompt"; "evaluator_context"\n"A";B; é\n',
        "\ufefftitle,prompt,evaluator_context\nA,B,é\n",
        '"Title" , PROMPT,"evaluator-context"\n" A ",B,"é"\n'.replace('" ,', '",'),
        "\n\nevaluatorContext;Prompt;Title\n\n;;\n \né;B;A\n\n",
        "title,prompt,Evaluator context,,\nA,B,é,,\n",
        '"title","prompt","a;b;c","evaluator_context"\nA,B,,é\n',
        'title,prompt,evaluator_context\n"",""\nA,B,é\n',
    ],
)
def test_spreadsheet_variants_are_read(text):
    assert values_of(text.encode(), "pack.csv") == [{"title": "A", "prompt": "B", "evaluator_context": "é"}]


def test_empty_cells_are_absent():
    data = HEADER + b'A,"x\r\ny, ""z""",20,No,"a; ""b;c"""\n  ,\'=1+1,,, ; \n'

    assert values_of(data) == [
        {"title": "A", "prompt": 'x\ny, "z"', "estimated_minutes": 20, "is_active": False, "skills": ["a", "b;c"]},
        {"prompt": "=1+1"},
    ]


def test_zero_and_false_are_kept():
    assert values_of(HEADER + b"A,B,0,0\n") == [
        {"title": "A", "prompt": "B", "estimated_minutes": 0, "is_active": False}
    ]


def test_rows_have_number_and_first_line():
    data = HEADER + b'A,"1\n2\r\n3"\n\n\nB,C\r\n,,,\nD,E'

    assert [(row.number, row.line) for row in rows_of(data)] == [(1, 2), (2, 7), (3, 9)]


def test_short_row_is_accepted():
    assert values_of(HEADER + b"A,B\n") == [{"title": "A", "prompt": "B"}]


def test_header_alone_has_no_rows():
    assert values_of(HEADER) == []


def test_ignored_columns_are_collected():
    assert ignored_columns_of(b"title,prompt, Author ,created at,\nA,B,C,D,\n") == {"Author", "created at"}


@pytest.mark.parametrize(
    ("row", "field", "line", "column", "message"),
    [
        (b"A,B,soon", "estimated_minutes", 3, 5, "Enter a whole number, such as 15, instead of “soon”."),
        (b'A,"x\n\xc3\xa9,",15.5', "estimated_minutes", 4, 5, "Enter a whole number, such as 15, instead of “15.5”."),
        (b"A,B,,maybe", "is_active", 3, 6, "Enter true or false (or yes, no, 1, or 0) instead of “maybe”."),
        (b"A,a\0b", "prompt", 3, 3, "The text contains a NUL character, which can’t be stored. Remove it."),
        (
            b"A,B,5,1,a,c",
            "",
            3,
            11,
            "This row has 6 cells, but the first line has only 5. Put text that contains a comma in quotation marks.",
        ),
    ],
)
def test_invalid_cell_is_reported_with_position(row, field, line, column, message):
    rows = rows_of(HEADER + b"A,B\n" + row + b"\nA,B\n")

    assert [(one.field, one.line, one.column, str(one.message)) for one in rows[1].problems] == [
        (field, line, column, message)
    ]
    assert [row.values for row in rows[::2]] == [{"title": "A", "prompt": "B"}] * 2


def test_problems_of_row_are_in_order():
    assert positions_of(HEADER + b'A,B,q,q,"a ""b;c",d,e\n') == [
        ("estimated_minutes", 2, 5),
        ("is_active", 2, 7),
        ("", 2, 19),
    ]


def test_text_in_unnamed_column_is_reported():
    assert problems_of(b"title,prompt,\nA,I am sad, really\nA,B, \n") == [
        ("", 2, 12, "“ really” is in a column without a name. Put text that contains a comma in quotation marks.")
    ]


def test_problems_of_row_are_limited():
    assert len(problems_of(b"title,prompt" + b"," * 90 + b"\nA,B" + b",x" * 90)) == 50


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"Name,Text\nA,B", 1, 1, "Required columns are missing: “title”, “prompt”. Columns found: Name, Text."),
        (b"\n\ntitle,text", 3, 1, "Required columns are missing: “prompt”. Columns found: title, text."),
        (
            b",,\n'title prompt'",
            2,
            1,
            "Required columns are missing: “title”, “prompt”. Columns found: 'title prompt'.",
        ),
        (b"title,prompt,mode,Mode\n", 1, 19, "The column “mode” appears twice. Keep one."),
        (
            b"title,prompt,evaluatorContext,evaluator context",
            1,
            31,
            "The column “evaluator_context” appears twice. Keep one.",
        ),
        (
            b'title,"prompt",evaluator_contxt',
            1,
            16,
            "There is no column “evaluator_contxt”. Did you mean “evaluator_context”?",
        ),
        (b"title,promt", 1, 7, "There is no column “promt”. Did you mean “prompt”?"),
        (HEADER + b'A,B\nA,"x\n\ny,5\n', 3, 3, "This quotation mark is never closed."),
        (HEADER + b'"A""",B\n"A""', 3, 1, "This quotation mark is never closed."),
        (
            HEADER + b'A,"b" c\n',
            2,
            6,
            "There is text after the closing quotation mark of the cell that starts on line 2. "
            "To include a quotation mark in a cell, write it twice.",
        ),
        (
            HEADER + b'A,"never closed\nB,"next"\n',
            3,
            4,
            "There is text after the closing quotation mark of the cell that starts on line 2. "
            "To include a quotation mark in a cell, write it twice.",
        ),
        (
            HEADER + b"A,caf\xc3\xa9\nB,caf\xe9\n",
            3,
            6,
            "The file is not UTF-8: the byte 0xE9 is invalid here. "
            "Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”) and upload it again.",
        ),
        (HEADER + b"A,\xed\xa0\x80", 2, 3, "The file is not UTF-8: the byte 0xED is invalid here. "
         "Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”) and upload it again."),
    ],
)  # fmt: skip
def test_broken_file_is_rejected_with_position(data, line, column, message):
    assert refusal_of(data, "pack.csv") == (line, column, message)


@pytest.mark.parametrize("after", [b"", b",B\n", b'",B,C,"D"\n', b'"\nA,B'])
def test_overlong_cell_is_rejected_with_position(after):
    limit = csv.field_size_limit()

    refusal = refusal_of(HEADER + b'A,B\nshort,"' + b"x" * (limit + 1) + after, "pack.csv")

    message = (
        f"The cell that starts here is longer than {limit:,} characters. Check for a missing closing quotation mark."
    )
    assert refusal == (3, 7, message)


def test_overlong_row_is_rejected_with_position():
    refusal = refusal_of(HEADER + b"A,B\n" + b",\n" * 3 + b"," * (MAX_ROW_BYTES + 1), "pack.csv")

    assert refusal == (
        6,
        1,
        "The row that starts here is longer than 1 MB. Check for a missing closing quotation mark.",
    )


def test_overlong_multiline_row_is_rejected_with_position():
    refusal = refusal_of(HEADER + b'A,"\n' + b'",,,"\n' * (MAX_ROW_BYTES // 6 + 1), "pack.csv")

    assert refusal == (
        2,
        1,
        "The row that starts here is longer than 1 MB. Check for a missing closing quotation mark.",
    )


def test_too_many_unknown_columns_are_rejected():
    header = b"title,prompt," + b",".join(b"x%03d" % number for number in range(101))

    line, column, message = refusal_of(header, "pack.csv")

    assert (line, column) == (1, 514)
    assert "more than 100 unknown columns" in message


def test_long_list_of_columns_is_shortened():
    message = refusal_of(b",".join(b"x%02d" % number for number in range(50)), "pack.csv")[2]

    assert message.endswith("x18, x19, ….")


def test_quoted_cells_after_spaces_may_contain_delimiters_and_quotes():
    data = b'"title", "prompt"\n"A, b", "You said ""no""\nand left."\n'

    assert values_of(data) == [{"title": "A, b", "prompt": 'You said "no"\nand left.'}]


def test_problem_after_quoted_cells_with_spaces_is_located():
    data = b'"title", "prompt", "estimated_minutes"\n"A, b", "You.", "soon"\n'

    assert positions_of(data) == [("estimated_minutes", 2, 16)]


def test_spaces_before_cells_are_kept_without_spaced_quotes():
    assert values_of(b'title,prompt\nA,  "You" and me\n') == [{"title": "A", "prompt": '  "You" and me'}]
