"""Text of PDFs that a person does not see, and parts that are reported as unread."""

import io

import pytest
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject
from pypdf.generic import RectangleObject as Rectangle
from pypdf.generic import TextStringObject as Text

from accounts.procedures.pdf_sandbox import read_document
from tests.accounts.test_pdf_layout import draw, with_annotations
from tests.accounts.test_pdf_text import FONT, pages_pdf, pdf_bytes, stream

SHOWN = draw((72, 700, "Line 717"), (72, 680, "1.1 Greeting"))
MORE = draw((72, 640, "More text"))
BOTH = "Line 717\n1.1 Greeting\nMore text"
RECT = ArrayObject(NumberObject(number) for number in (100, 600, 300, 640))


def read(data: bytes) -> tuple[str, dict]:
    """Return the text of the first page, and the parts that were not read."""
    result = read_document(data, 10, 10_000)
    return result["pages"][0], {kind: found for kind, found in result["unread"].items() if found}


def with_layer(*, is_off: bool, has_base_state: bool = False) -> bytes:
    """Return a PDF whose second text is on a layer."""
    content = SHOWN + b"\n/OC /Layer BDC " + MORE + b" EMC"
    writer = PdfWriter(clone_from=io.BytesIO(pages_pdf(content)))
    layer = writer._add_object(
        DictionaryObject({NameObject("/Type"): NameObject("/OCG"), NameObject("/Name"): Text("A")})
    )
    usual = {"/BaseState": NameObject("/OFF"), "/ON": ArrayObject([] if is_off else [layer])}
    if not has_base_state:
        usual = {"/OFF": ArrayObject([layer] if is_off else [])}
    properties = {"/OCGs": ArrayObject([layer]), "/D": dictionary(**usual)}
    writer.root_object[NameObject("/OCProperties")] = dictionary(**properties)
    writer.pages[0]["/Resources"].get_object()[NameObject("/Properties")] = dictionary(**{"/Layer": layer})
    return pdf_bytes(writer)


def dictionary(**entries: object) -> DictionaryObject:
    return DictionaryObject({NameObject(key): value for key, value in entries.items()})


@pytest.mark.parametrize("has_base_state", [False, True])
def test_text_on_a_hidden_layer_is_left_out(has_base_state):
    hidden = read(with_layer(is_off=True, has_base_state=has_base_state))
    shown = read(with_layer(is_off=False, has_base_state=has_base_state))

    assert hidden == ("Line 717\n1.1 Greeting", {"hidden": [1]})
    assert shown == (BOTH, {})


def test_text_outside_the_page_is_left_out():
    writer = PdfWriter(
        clone_from=io.BytesIO(pages_pdf(SHOWN + b"\n" + draw((72, -50, "Below"), (580, 700, "Cut off"))))
    )
    writer.pages[0].cropbox = Rectangle((0, 0, 612, 690))

    assert read(pdf_bytes(writer)) == ("1.1 Greeting", {"hidden": [1]})


def test_line_that_runs_over_the_edge_is_read_whole():
    text = "Say the name of the line and your first name, ask for a number, " * 3

    assert read(pages_pdf(draw((72, 700, text)))) == (text.strip(), {})


@pytest.mark.parametrize("box", [(612, 792, 0, 0), (0, 0, 0, 0), (-50, -50, 900, 900)])
def test_unusual_page_box_hides_nothing(box):
    writer = PdfWriter(clone_from=io.BytesIO(pages_pdf(SHOWN)))
    writer.pages[0][NameObject("/CropBox")] = ArrayObject(NumberObject(number) for number in box)

    assert read(pdf_bytes(writer)) == ("Line 717\n1.1 Greeting", {})


@pytest.mark.parametrize(
    ("before", "is_hidden"),
    [
        (b"1 1 1 rg", True),
        (b"1 g", True),
        (b"0 0 0 0 k", True),
        (b"1 g 60 630 300 20 re f 1 g", True),
        (b"0 g 60 630 300 20 re f 1 g", False),
        (b"0 g 60 100 300 20 re f 1 g", True),
        (b"0.9 g", False),
        (b"1 g 3 Tr", False),
        (b"1 g 1 Tr", False),
    ],
    ids=["white", "gray", "cmyk", "white box", "dark box", "dark box elsewhere", "light", "recognized", "outlined"],
)
def test_white_text_on_white_paper_is_left_out(before, is_hidden):
    text = read(pages_pdf(SHOWN + b"\n" + before + b" " + MORE))

    assert text == (("Line 717\n1.1 Greeting", {"hidden": [1]}) if is_hidden else (BOTH, {}))


IDENTITY = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /AAAAAA+Own /Encoding /Identity-H /DescendantFonts [<< /Type /Font "
    b"/Subtype /CIDFontType2 /BaseFont /AAAAAA+Own /DW 600 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
    b"/Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /AAAAAA+Own /Flags 4 >> >>] "
)
TRANSLATION = (
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
    b"1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0000> <00FF> <0041> endbfrange "
    b"endcmap end end"
)


def test_glyphs_without_a_character_are_reported():
    content = b"BT /F1 12 Tf 72 700 Td <00000001000200030004> Tj ET"

    assert read(pages_pdf(content, font=IDENTITY + b">>"))[1] == {"garbled": [1]}
    translated = pages_pdf(content, font=IDENTITY + b"/ToUnicode 4 0 R >>", extra_objects=(stream(TRANSLATION),))
    assert read(translated) == ("ABCDE", {})


@pytest.mark.parametrize(
    ("annotation", "unread"),
    [
        ({"/Subtype": NameObject("/Text"), "/Contents": Text("Look")}, {"comments": 1}),
        ({"/Subtype": NameObject("/Highlight"), "/Contents": Text("Look")}, {"comments": 1}),
        ({"/Subtype": NameObject("/Highlight")}, {}),
        ({"/Subtype": NameObject("/Text"), "/Contents": Text("Look"), "/F": NumberObject(2)}, {}),
        ({"/Subtype": NameObject("/Stamp")}, {"stamps": 1}),
        ({"/Subtype": NameObject("/Widget"), "/FT": NameObject("/Sig"), "/AP": DictionaryObject()}, {"stamps": 1}),
        ({"/Subtype": NameObject("/Widget"), "/FT": NameObject("/Sig")}, {}),
        ({"/Subtype": NameObject("/Link"), "/Contents": Text("Link")}, {}),
    ],
)
def test_comments_stamps_and_signatures_are_counted(annotation, unread):
    assert read(with_annotations({"/Rect": RECT} | annotation, content=SHOWN)) == ("Line 717\n1.1 Greeting", unread)


def test_box_without_a_state_is_checked_by_its_value():
    box = {"/Subtype": NameObject("/Widget"), "/FT": NameObject("/Btn"), "/V": NameObject("/Yes"), "/Rect": RECT}

    assert read(with_annotations(box, content=SHOWN))[0].endswith("\u2612")


def test_ligature_that_stands_for_equal_letters_is_read_whole():
    table = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap "
        b"1 begincodespacerange <00> <FF> endcodespacerange "
        b"2 beginbfchar <41> <00660066> <42> <006600660069> endbfchar endcmap end end"
    )
    data = pages_pdf(
        b"BT /F1 12 Tf 72 700 Td (Aer oBce) Tj ET",
        font=FONT[:-2] + b"/ToUnicode 4 0 R >>",
        extra_objects=(stream(table),),
    )

    assert read(data) == ("ffer office", {})


def test_lines_beside_large_type_stay_apart():
    left = [(72, 700 - 14 * index, f"and line {index} of the text goes on here") for index in range(6)]
    heading = b"BT /F1 20 Tf 330 676 Td (2.1 Large heading) Tj ET"
    right = [(330, 651 - 14 * index, f"and line {index} beside it goes on") for index in range(3)]

    text, unread = read(pages_pdf(draw(*left, *right) + b"\n" + heading))

    assert text.split("\n") == [one[2] for one in left] + ["2.1 Large heading"] + [one[2] for one in right]
    assert unread == {}


def test_centered_title_stands_before_a_table_without_lines():
    rows = [
        ("When", "Do"),
        ("Caller is silent", "Wait ten seconds, then say"),
        ("for a long time", "that you are there."),
        ("Caller hangs up", "Call back once, and write"),
        ("", "it down."),
    ]
    heights = [700, 672, 658, 630, 616]
    placed = [
        (x, y, text)
        for y, row in zip(heights, rows, strict=True)
        for x, text in zip((72, 200), row, strict=True)
        if text
    ]

    assert read(pages_pdf(draw((260, 730, "Account 717"), *placed)))[0].split("\n")[:2] == ["Account 717", "When   Do"]
