"""Reading order of PDFs, drawn here as other programs draw them."""

import io

import pytest
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, FloatObject, NameObject, NumberObject
from pypdf.generic import TextStringObject as Text

from accounts.procedures.pdf_layout import join_hyphenated, read_lines
from accounts.procedures.pdf_page_reader import choose_fuller
from accounts.procedures.pdf_sandbox import read_document
from accounts.procedures.pdf_words import Word, build_words
from accounts.procedures.sections import parse_sections
from tests.accounts.test_pdf_text import FONT, PICTURE, pages_pdf, pdf_bytes, stream

LEFT, RIGHT = 72, 320  # left edges of two columns


def draw(*texts: tuple[float, float, str]) -> bytes:
    """Return the content of a page with each text at (x, y), in the given order."""
    return b"\n".join(b"BT /F1 12 Tf 1 0 0 1 %g %g Tm (%b) Tj ET" % (x, y, text.encode()) for x, y, text in texts)


def draw_rows(*rows: tuple[str, ...], top: float = 700, pitch: float = 15) -> bytes:
    """Return the content of a page drawn row by row, with an empty string for no text in a column."""
    placed = [
        (edge, top - index * pitch, text)
        for index, row in enumerate(rows)
        for edge, text in zip((LEFT, RIGHT), row, strict=False)
        if text
    ]
    return draw(*placed)


def draw_letters(x: float, y: float, text: str) -> bytes:
    """Return text as Google Docs exports it: upside down twice, one text object for each word, each letter placed."""
    objects = []
    for start, word in _split_keeping_blanks(text):
        letters = "".join(f"{0 if not index else 8} 0 Td ({letter}) Tj " for index, letter in enumerate(word))
        objects.append(f"BT /F1 13 Tf 1 0 0 -1 {start * 8} 0 Tm {letters} ET")
    return f"q .75 0 0 .75 {x} {792 - y} cm {' '.join(objects)} Q".encode()


def _split_keeping_blanks(text: str) -> list[tuple[int, str]]:
    parts, start = [], 0
    for index in range(1, len(text) + 1):
        if index == len(text) or (text[index] == " ") != (text[start] == " "):
            parts.append((start, text[start:index]))
            start = index
    return parts


def read(*contents: bytes, **options) -> list[str]:
    return read_document(pages_pdf(*contents, **options), 100, 1_000_000)["pages"]


COLUMNS = [
    ("1.1 Greeting", "1.2 Safety"),
    ("Say the name of the line", "Ask directly about suicide,"),
    ("and your first name. Ask", "then about plan, means"),
    ("for a number at once.", "and time."),
]


def test_words_drawn_letter_by_letter_form_lines():
    lines = ["Harbor State Line 717", "1.1 Greeting the caller", "Say the name of the line."]
    content = b"1 0 0 -1 0 792 cm\n" + b"\n".join(
        draw_letters(72, 700 - 24 * index, line) for index, line in enumerate(lines)
    )

    assert read(content) == ["\n".join(lines)]


@pytest.mark.parametrize("order", ["by line", "by column", "right first"])
def test_columns_are_read_one_after_the_other(order):
    texts = [
        (edge, 700 - 15 * index, text)
        for index, row in enumerate(COLUMNS)
        for edge, text in zip((LEFT, RIGHT), row, strict=True)
    ]
    keys = {"by line": None, "by column": lambda text: text[0], "right first": lambda text: -text[0]}
    texts = sorted(texts, key=keys[order]) if keys[order] else texts
    title, end = (LEFT, 750, "Harbor State Line 717"), (LEFT, 600, "2 End of the columns and of this page, across both")

    [page] = read(draw(title, *texts, end))

    left, right = zip(*COLUMNS, strict=True)
    assert page.split("\n") == [title[2], *left, *right, end[2]]
    assert [(one.number, one.text) for one in parse_sections([page])] == [
        ("1.1", "\n".join(left[1:])),
        ("1.2", "\n".join(right[1:])),
        ("2", ""),
    ]


def test_columns_with_lines_at_different_heights_are_read_in_order():
    texts = [
        (edge, 700 - 15 * index - (7.5 if edge == RIGHT else 0), text)
        for index, row in enumerate(COLUMNS)
        for edge, text in zip((LEFT, RIGHT), row, strict=True)
    ]

    assert read(draw(*texts))[0].split("\n") == [*(one for one, _ in COLUMNS), *(one for _, one in COLUMNS)]


def test_full_lines_beside_narrow_gutter_stay_in_their_columns():
    left = ["1.1 Greeting", "Say the name of the line slowly", "and clearly.", "Ask for a number at", "once."]
    right = ["1.2 Safety", "Ask directly about suicide and", "then about the plan.", "Be patient and", "wait."]
    full = 72 + 12 * len(left[1]) * 0.6  # right end of the full line, in Courier
    texts = [
        (edge, 700 - 15 * index, text)
        for edge, lines in ((72, left), (full + 9, right))
        for index, text in enumerate(lines)
    ]

    [page] = read(draw(*texts), font=FONT.replace(b"Helvetica", b"Courier"))

    assert page.split("\n") == [*left, *right]


def test_dots_before_page_number_do_not_space_out_the_title():
    [page] = read(draw((72, 700, "1.1 Opening the call " + "." * 80 + " 2")))

    assert page.startswith("1.1 Opening the call ....")


def test_labels_and_values_stay_on_one_line():
    rows = [("Caller", "Anonymous"), ("Risk", "Denied a plan"), ("Outcome", "Warm transfer"), ("Time", "20 minutes")]

    assert read(draw_rows(*rows)) == ["\n".join(f"{label}   {value}" for label, value in rows)]


def test_ruled_table_is_read_cell_by_cell():
    rows = [
        ("Caller is silent for", "Wait ten seconds, then"),
        ("a long time", "say that you are there,"),
        ("", "and wait again."),
        ("Caller hangs up", "Call back once, and"),
        ("", "write it down."),
    ]
    rules = b"\n".join(b"60 %d m 550 %d l S" % (y, y) for y in (712, 667, 630))

    assert read(draw_rows(*rows) + b"\n" + rules)[0].split("\n") == [
        "Caller is silent for", "a long time", "Wait ten seconds, then", "say that you are there,", "and wait again.",
        "Caller hangs up   Call back once, and", "write it down.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("matrix", "second"),
    [
        ("0 1 -1 0 300 100", "0 1 -1 0 315 100"),
        ("0 -1 1 0 300 600", "0 -1 1 0 285 600"),
        ("-1 0 0 -1 500 600", "-1 0 0 -1 500 615"),
    ],
)
def test_rotated_text_is_read_in_order(matrix, second):
    content = f"BT /F1 12 Tf {second} Tm (Second line) Tj ET BT /F1 12 Tf {matrix} Tm (First line) Tj ET".encode()

    assert read(content) == ["First line\nSecond line"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"BT /F1 12 Tf 72 700 Td [(Gr) 60 (eet) -40 (ing)] TJ ET", "Greeting"),
        (b"BT /F1 12 Tf 72 700 Td [(Ask) -400 (now)] TJ ET", "Ask now"),
        (b"BT /F1 12 Tf 4 Tc 72 700 Td (HARBOR) Tj ET", "HARBOR"),
        (b"BT /F1 12 Tf 72 700 Td (Bold) Tj ET BT /F1 12 Tf 72.3 700 Td (Bold) Tj ET", "Bold"),
        (draw((72, 700, "Ask the ques-"), (72, 685, "tion twice")), "Ask the question\ntwice"),
        (draw((72, 700, "A call-"), (72, 685, "back now"), (72, 670, "A call-back")), "A call-back\nnow\nA call-back"),
    ],
    ids=["kerning", "gap without a blank", "letter-spaced", "imitated bold", "hyphen", "compound"],
)  # fmt: skip
def test_words_are_whole(content, text):
    assert read(content) == [text]


def test_hebrew_is_read_from_right_to_left():
    letters = [Word(10 * index, 10 * index + 9, 0, 12, letter) for index, letter in enumerate("םולש")]

    assert read_lines(build_words(letters)) == ["שלום"]


def test_ligatures_and_invisible_marks_are_read_as_letters():
    table = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        b"1 begincodespacerange <00> <FF> endcodespacerange "
        b"2 beginbfchar <41> <FB01> <42> <200F> endbfchar endcmap end end"
    )
    font = FONT[:-2] + b"/ToUnicode 4 0 R >>"

    assert read(b"BT /F1 12 Tf 72 700 Td (Anally B717) Tj ET", font=font, extra_objects=(stream(table),)) == [
        "finally 717"
    ]


def test_join_hyphenated_changes_no_other_line():
    assert join_hyphenated(["a -\nb", "Mid-\nJune", "-\n", "one-\ntwo three"]) == [
        "a -\nb",
        "Mid-\nJune",
        "-\n",
        "onetwo\nthree",
    ]


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("asks about self-\nharm now", "asks about self-harm\nnow"),
        ("Self-\nharm", "Self-harm"),
        ("no self-\nish aim", "no selfish\naim"),
    ],
)
def test_self_keeps_its_hyphen(lines, joined):
    assert join_hyphenated([lines]) == [joined]


@pytest.mark.parametrize(
    ("ordered", "plain", "chosen"),
    [
        ("Ask now", "now\nAsk", ("Ask now", False)),
        ("Bold", "BoldBold\nBold", ("Bold", False)),
        ("finally", "\ufb01nally", ("finally", False)),
        ("Ask", "Ask now", ("Ask now", True)),
        ("Ask now please", "Ask \ufffdow", ("Ask now please", False)),
        ("", "Ask", ("Ask", True)),
    ],
)
def test_fuller_reading_is_chosen(ordered, plain, chosen):
    assert choose_fuller(ordered, plain) == chosen


def with_annotations(*annotations: dict, content: bytes = b"") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pages_pdf(content)))
    page = writer.pages[0]
    page[NameObject("/Annots")] = ArrayObject(
        writer._add_object(DictionaryObject({NameObject(key): value for key, value in one.items()}))
        for one in annotations
    )
    return pdf_bytes(writer)


def field(y: float, **entries: object) -> dict:
    rect = ArrayObject(FloatObject(number) for number in (150, y - 3, 400, y + 12))
    return {"/Type": NameObject("/Annot"), "/Subtype": NameObject("/Widget"), "/Rect": rect} | {
        f"/{key}": value for key, value in entries.items()
    }


def read_form(*annotations: dict, content: bytes = b"") -> tuple[str, int]:
    result = read_document(with_annotations(*annotations, content=content), 10, 10_000)
    return result["pages"][0], result["unread"]["fields"]


TEXT_FIELD, CHOICE, BUTTON = (NameObject(name) for name in ("/Tx", "/Ch", "/Btn"))


def test_form_fields_are_read_where_they_stand():
    choices = ArrayObject([ArrayObject([Text("2"), Text("High")]), ArrayObject([Text("1"), Text("Low")])])
    labels = draw((72, 700, "Risk"), (72, 670, "Level"), (72, 640, "Safe"), (72, 610, "Plan"), (72, 580, "End"))

    text, broken = read_form(
        field(700, FT=TEXT_FIELD, V=Text("Denied a plan")),
        field(670, FT=CHOICE, V=Text("2"), Opt=choices),
        field(640, FT=BUTTON, AS=NameObject("/Yes"), V=NameObject("/Yes")),
        field(610, FT=BUTTON, AS=NameObject("/Off")),
        content=labels,
    )

    lines = [" ".join(line.split()) for line in text.split("\n")]
    assert (lines, broken) == (["Risk Denied a plan", "Level High", "Safe \u2612", "Plan \u2610", "End"], 0)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (field(700, FT=TEXT_FIELD, V=Text("Secret"), F=NumberObject(2)), "Risk"),
        (field(700, FT=TEXT_FIELD, V=Text("Secret"), Ff=NumberObject(1 << 13)), "Risk"),
        (field(700, FT=BUTTON, Ff=NumberObject(1 << 16)), "Risk"),
        (field(700, FT=TEXT_FIELD, V=Text("")), "Risk"),
        (field(700) | {"/Subtype": NameObject("/Text"), "/Contents": Text("A comment")}, "Risk"),
        (field(650) | {"/Subtype": NameObject("/FreeText"), "/Contents": Text("Added\nlater")}, "Risk\nAdded\nlater"),
        (field(700, FT=TEXT_FIELD, V=Text("Denied")), "Risk   Denied"),
    ],
    ids=["hidden", "password", "push button", "empty", "note", "free text", "text"],
)
def test_shown_values_are_read(annotation, text):
    assert read_form(annotation, content=draw((72, 700, "Risk"))) == (text, 0)


def test_value_that_the_page_shows_is_read_once():
    content = draw((72, 700, "Risk"), (155, 700, "Denied a plan"))

    text, _ = read_form(field(700, FT=TEXT_FIELD, V=Text("Denied a plan")), content=content)

    assert " ".join(text.split()) == "Risk Denied a plan"


def test_broken_field_is_counted():
    broken = field(700, FT=TEXT_FIELD, V=Text("Denied")) | {"/Rect": ArrayObject([BooleanObject(True)])}

    assert read_form(broken, content=draw((72, 700, "Risk"))) == ("Risk", 1)


def test_unread_parts_are_named():
    writer = PdfWriter(
        clone_from=io.BytesIO(
            pages_pdf(draw((72, 700, "Text")), b"q 600 0 0 700 0 0 cm /Im1 Do Q", extra_objects=(PICTURE,))
        )
    )
    writer.add_attachment("a.txt", b"x")
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): Text("<xdp/>")})

    result = read_document(pdf_bytes(writer), 10, 1000)

    assert result == {
        "pages": ["Text", ""],
        "unread": {
            "pictures": [2],
            "order": [],
            "hidden": [],
            "garbled": [],
            "attachments": 1,
            "xfa": 1,
            "fields": 0,
            "comments": 0,
            "stamps": 0,
        },
    }


@pytest.mark.parametrize("before", [b"\r\n", b"\xef\xbb\xbf", b"junk " * 200])
def test_bytes_around_the_document_are_ignored(before):
    data = before + pages_pdf(draw((72, 700, "Line 717"))) + b"\r\njunk" * 50

    assert read_document(data, 10, 1000)["pages"] == ["Line 717"]
