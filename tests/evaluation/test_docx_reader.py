import io
import zipfile

import pytest

from evaluation.files.docx_package import MAX_UNPACKED_BYTES
from evaluation.files.docx_sandbox import extract_docx_text
from tests.evaluation.docx_samples import cell, control, docx, field, p, root, row, run, table

PLACEHOLDER = "<w:showingPlcHdr/>"
DELETED_END = '<w:rPr><w:del w:id="9" w:author="A"/></w:rPr>'
BOX = f"<wps:txbx><w:txbxContent>{p('In a box')}</w:txbxContent></wps:txbx>"
OLD_BOX = f"<w:pict><v:textbox><w:txbxContent>{p('In a box')}</w:txbxContent></v:textbox></w:pict>"
CHOICES = "<w:listEntry w:val='Low'/><w:listEntry w:val='High'/>"
FRACTION = "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
PICTURE = '<w:drawing><a:blip r:embed="rId1"/></w:drawing>'


def read(body: str, **parts: str) -> tuple[str, dict[str, int]]:
    result = extract_docx_text(docx(body, **parts), 10_000)
    return result["text"], result["unread"]


def read_text(body: str, **parts: str) -> str:
    text, unread = read(body, **parts)
    assert unread == {}
    return text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            p("Mood low. ", f"<w:ins>{run('Asked about suicide. ')}</w:ins>", "Agreed."),
            "Mood low. Asked about suicide. Agreed.",
        ),
        (p("Mood ", "<w:del><w:r><w:delText>high</w:delText></w:r></w:del>", "low"), "Mood low"),
        (
            p(f"<w:moveFrom>{run('Moved.')}</w:moveFrom>") + p("First. ", f"<w:moveTo>{run('Moved.')}</w:moveTo>"),
            "First. Moved.",
        ),
        (p("One ", properties=DELETED_END) + p("sentence."), "One sentence."),
        (p(f"<w:ins><w:del>{run('Never.')}</w:del></w:ins>", "Kept."), "Kept."),
        (
            table(row(cell("Gone"), properties='<w:del w:id="1"/>'), row(cell("New"), properties='<w:ins w:id="2"/>')),
            "New",
        ),
        (table(row(cell("Left"), cell("Gone", properties='<w:cellDel w:id="1"/>'))), "Left"),
    ],
    ids=["inserted", "deleted", "moved", "joined paragraphs", "inserted and deleted", "rows", "cells"],
)
def test_tracked_changes_are_read_as_accepted(body, text):
    assert read_text(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (control(p("Risk: denied")), "Risk: denied"),
        (p("Outcome: ", control(run("transfer"))), "Outcome: transfer"),
        (p("Date: ", control(run("May 4, 2026"), '<w:date w:fullDate="2026-05-04T00:00:00Z"/>')), "Date: May 4, 2026"),
        (p("Level: ", control(run("High"), '<w:dropDownList w:lastValue="3"/>')), "Level: High"),
        (p("Plan: ", control(run("Click to enter text."), PLACEHOLDER)), "Plan:"),
        (control(p("Choose an item."), PLACEHOLDER) + p("Typed."), "Typed."),
        (p(control(run("\u2610"), '<w14:checkbox><w14:checked w14:val="1"/></w14:checkbox>'), " Safe"), "\u2612 Safe"),
        (p(control(run("\u2612"), '<w14:checkbox><w14:checked w14:val="0"/></w14:checkbox>'), " Safe"), "\u2610 Safe"),
        (
            table(row(cell("Risk"), control(cell("low"))), control(row(cell("Plan"), cell("none")))),
            "Risk\tlow\nPlan\tnone",
        ),
        (control(control(p("Nested"))), "Nested"),
    ],
    ids=[
        "block",
        "in line",
        "date",
        "drop-down",
        "placeholder",
        "block placeholder",
        "checked",
        "unchecked",
        "cell and row",
        "nested",
    ],
)
def test_content_controls_are_read_with_their_values(body, text):
    assert read_text(body).strip() == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (p("Before", f"<w:r><w:drawing>{BOX}</w:drawing></w:r>") + p("After"), "Before\nIn a box\nAfter"),
        (p("Before", f"<w:r>{OLD_BOX}</w:r>"), "Before\nIn a box"),
        (
            p(
                f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{BOX}</w:drawing></mc:Choice>"
                f"<mc:Fallback>{OLD_BOX}</mc:Fallback></mc:AlternateContent></w:r>",
            ),
            "In a box",
        ),
        (p("One") + table(row(cell("a"), cell("b")), row(cell("c"), cell("d"))) + p("Two"), "One\na\tb\nc\td\nTwo"),
        (table(row(cell("a", "b"), cell("c"))), "a\nb\nc"),
        (table(row(cell("Outer", table(row(cell("x"), cell("y"))), "end"))), "Outer\nx\ty\nend"),
        (table(row(cell("Wide", properties='<w:gridSpan w:val="2"/>')), row(cell("a"), cell("b"))), "Wide\na\tb"),
        (
            table(
                row(cell("Tall", properties='<w:vMerge w:val="restart"/>'), cell("1")),
                row(cell("Tall", properties="<w:vMerge/>"), cell("2")),
            ),
            "Tall\t1\n\t2",
        ),
        (p(f"<w:smartTag>{run('Tagged')}</w:smartTag>", f"<w:hyperlink>{run(' link')}</w:hyperlink>"), "Tagged link"),
        (p("a", "<w:r><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>"), "a\tb\nc"),
        (
            p("<w:r><w:t>call</w:t><w:noBreakHyphen/><w:t>back ques</w:t><w:softHyphen/><w:t>tion</w:t></w:r>"),
            "call-back question",
        ),
        (
            p(
                '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>',
                '<w:r><w:sym w:font="Symbol" w:char="F0B3"/></w:r>',
            ),
            "\u2611\u2265",
        ),
        (p(f"<m:oMath>{FRACTION}</m:oMath>"), "(a+b)/2"),
        (p("Seen", run(" hidden", "<w:vanish/>"), run(" shown", '<w:vanish w:val="0"/>')), "Seen shown"),
    ],
    ids=[
        "box",
        "old box",
        "box in two versions",
        "order",
        "cells of several lines",
        "nested table",
        "wide cell",
        "tall cell",
        "smart tag and link",
        "tab and break",
        "hyphens",
        "symbols",
        "formula",
        "hidden",
    ],
)
def test_text_is_read_once_in_order(body, text):
    assert read_text(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (p("Page ", field("<w:r><w:instrText>PAGE</w:instrText></w:r>", run("3"))), "Page 3"),
        (p("<w:fldSimple w:instr='AUTHOR'>" + run("Sam") + "</w:fldSimple>"), "Sam"),
        (p(field(run("IF ") + field(run("X"), run("1")), run("shown")), " end"), "shown end"),
        (p(field(run("FORMTEXT"), run("typed"))), "typed"),
        (p(field(data="<w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData>"), " Safe"), "\u2612 Safe"),
        (p(field(data="<w:ffData><w:checkBox><w:default w:val='0'/></w:checkBox></w:ffData>"), " Safe"), "\u2610 Safe"),
        (
            p(field(data=f"<w:ffData><w:ddList><w:result w:val='1'/>{CHOICES}</w:ddList></w:ffData>")),
            "High",
        ),
    ],
    ids=["complex", "simple", "nested", "form text", "form box", "empty form box", "form list"],
)
def test_fields_are_read_by_their_results(body, text):
    assert read_text(body) == text


def test_headers_footers_and_notes_are_read_once():
    reference = '<w:{}Reference w:type="{}" r:id="{}"/>'
    section = "".join(
        reference.format(*one)
        for one in [("header", "default", "header1"), ("header", "first", "header2"), ("header", "even", "header3")]
    ) + reference.format("footer", "default", "footer1")
    body = (
        p("Body", "<w:r><w:footnoteReference w:id='2'/></w:r>", properties=f"<w:sectPr>{section}</w:sectPr>")
        + f"<w:sectPr>{section}<w:titlePg/></w:sectPr>"
    )  # fmt: skip
    notes = (
        "<w:footnote w:id='0'>" + p("separator") + "</w:footnote><w:footnote w:id='2'>" + p("A note") + "</w:footnote>"
    )

    text = read_text(
        body,
        header1=root("hdr", p("Contact record")),
        header2=root("hdr", p("First page")),
        header3=root("hdr", p("Even pages, never shown")),
        footer1=root("ftr", p("Confidential")),
        footnotes=root("footnotes", notes),
    )

    assert text.split("\n") == ["Contact record", "First page", "Body[1]", "Confidential", "[1] A note"]


def test_list_paragraphs_carry_their_visible_numbers():
    levels = (
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
        '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1%2)"/></w:lvl>'
    )
    bullets = '<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>'
    numbering = root(
        "numbering",
        f'<w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="1">{bullets}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>',
    )
    styles = root(
        "styles",
        '<w:style w:type="paragraph" w:styleId="Numbered">'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="Secret"><w:rPr><w:vanish/></w:rPr></w:style>',
    )

    def item(text: str, number: int, level: int = 0, end: str = "") -> str:
        inner = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>{end}'
        return p(text, properties=inner)

    body = (
        item("First", 1)
        + item("<w:del><w:r><w:delText>Gone</w:delText></w:r></w:del>", 1, end=DELETED_END)
        + p("Second", properties='<w:pStyle w:val="Numbered"/>')
        + item("Under", 1, 1) + item("Under too", 1, 1) + item("Third", 1) + item("Again", 1, 1)
        + item("Point", 2) + item("None", 0) + item("Seventh", 3)
        + p("Hidden", properties='<w:pStyle w:val="Secret"/>')
    )  # fmt: skip

    assert read_text(body, numbering=numbering, styles=styles).split("\n") == [
        "1. First", "2. Second", "2a) Under", "2b) Under too", "3. Third", "3a) Again", "\u2022 Point", "None",
        "7. Seventh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "unread"),
    [
        (p(f"<w:r>{PICTURE}</w:r>", f"<w:r>{PICTURE}</w:r>"), {"picture": 2}),
        (p("<w:r><w:drawing><c:chart r:id='rId1'/></w:drawing></w:r>"), {"drawing": 1}),
        (p("<w:r><w:object><v:imagedata r:id='rId1'/><o:OLEObject/></w:object></w:r>"), {"object": 1}),
        ('<w:altChunk r:id="rId1"/>', {"part": 1}),
        (p("<w:r><w:commentReference w:id='0'/></w:r>"), {"comment": 1}),
        (p('<w:r><w:sym w:font="Webdings" w:char="F061"/></w:r>'), {}),
        (p('<w:r><w:sym w:font="Wingdings" w:char="F024"/></w:r>'), {"symbol": 1}),
        (p(f"<w:del><w:r>{PICTURE}</w:r></w:del>"), {}),
    ],
)
def test_parts_that_cannot_be_read_are_counted(body, unread):
    assert read(p("Text") + body)[1] == unread


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([("Asked", "Yes", "No"), ("About means", "", "X"), ("", "", "")], "Asked\tYes\tNo\nAbout means\t\tX"),
        ([('<w:gridSpan w:val="2"/>', "Total"), ("a", "b", "c")], "Wide\t\tTotal\na\tb\tc"),
        ([('<w:gridSpan w:val="999999999"/>',)], "Wide"),
    ],
)
def test_empty_cells_keep_their_column(rows, text):
    cells = [
        [cell("Wide", properties=one) if one.startswith("<") else cell(one) for one in columns] for columns in rows
    ]

    assert read_text(table(*(row(*columns) for columns in cells))) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (p("One ", properties=DELETED_END) + table(row(cell("Two"))) + p("Three"), "One \nTwo\nThree"),
        (p('<w:r><w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict></w:r>') + p("Text"), "DRAFT\nText"),
        (
            p("<w:r><w:drawing><a:p><a:r><a:t>In a </a:t></a:r><a:r><a:t>shape</a:t></a:r></a:p></w:drawing></w:r>"),
            "In a shape",
        ),
        (
            p(run("\u00fe", '<w:rFonts w:ascii="Wingdings"/>'), run(" \uf0a8 ", '<w:rFonts w:ascii="Wingdings"/>')),
            "\u2611 \u2610 ",
        ),
        (p(field('<w:r><w:instrText> SYMBOL 252 \\f "Wingdings"</w:instrText></w:r>'), " Done"), "\u2713 Done"),
        (p(field('<w:r><w:instrText> SYMBOL 0xFC \\f "Wingdings"</w:instrText></w:r>', run("Shown"))), "Shown"),
        (p("<m:oMath><m:d><m:e><m:r><m:t>a</m:t></m:r></m:e></m:d></m:oMath>"), "(a)"),
        (p("<m:oMath><m:nary><m:e><m:r><m:t>a</m:t></m:r></m:e></m:nary></m:oMath>"), "\u222ba"),
    ],
    ids=[
        "table after deleted end",
        "word art",
        "shape",
        "symbol font",
        "symbol",
        "symbol with result",
        "brackets",
        "sum",
    ],
)
def test_words_and_symbols_of_drawings_fields_and_formulas_are_read(body, text):
    assert read_text(body) == text


@pytest.mark.parametrize("kind", ["AUTONUM", "listnum L1 \\l 1"])
def test_automatic_number_of_a_field_is_counted(kind):
    assert read(p(field(f"<w:r><w:instrText> {kind} </w:instrText></w:r>"), "A")) == ("A", {"number": 1})


@pytest.mark.parametrize("code", ["F024", "41"])
def test_unknown_character_of_a_symbol_font_is_counted(code):
    symbol = p(f'<w:r><w:sym w:font="Wingdings 3" w:char="{code}"/></w:r>', run("A", '<w:rFonts w:ascii="Marlett"/>'))

    assert read(p("A") + symbol) == ("A", {"symbol": 2})


def test_text_hidden_by_default_is_left_out():
    styles = root("styles", "<w:docDefaults><w:rPrDefault><w:rPr><w:vanish/></w:rPr></w:rPrDefault></w:docDefaults>")

    assert read_text(p("Hidden", run("Shown", '<w:vanish w:val="0"/>')), styles=styles) == "Shown"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("word\\document.xml", "word/document.xml"),
        ("/word/document.xml", "word/document.xml"),
        ("word/my document.xml", "word/my%20document.xml"),
        ("word/document.xml", "word\\document.xml"),
    ],
)
def test_parts_are_found_by_unusual_names(name, target):
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx(p("Text")))) as original, zipfile.ZipFile(file, "w") as archive:
        for part_name in original.namelist():
            part = zipfile.ZipInfo()
            part.filename = name if part_name == "word/document.xml" else part_name
            archive.writestr(part, original.read(part_name).replace(b"word/document.xml", target.encode()))

    assert extract_docx_text(file.getvalue(), 100)["text"] == "Text"


def zip_of(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"PK\x03\x04broken", "damaged"),
        (zip_of(document=b"<w:document"), "damaged"),
        (zip_of(other=b"<a/>"), "damaged"),
        (zip_of(document=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "damaged"),
        (zip_of(document=b"<a>" * 300 + b"</a>" * 300), "damaged"),
        (zip_of(document=b" " * (MAX_UNPACKED_BYTES + 1)), "too_large"),
    ],
    ids=["no archive", "broken", "no document", "entities", "deep", "bomb"],
)
def test_unreadable_docx_is_refused(data, refused):
    assert extract_docx_text(data, 100) == {"refused": refused}


SYMBOL_SPACE = 'xmlns:w16se="http://schemas.microsoft.com/office/word/2015/wordml/symex"'
EMOJI = f'<w16se:symEx {SYMBOL_SPACE} w16se:font="Segoe UI Emoji" w16se:char="1F60A"/>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            p(
                "Mood: ",
                f"<w:r><mc:AlternateContent><mc:Choice Requires='w16se'>{EMOJI}</mc:Choice>"
                "<mc:Fallback><w:t>\U0001f60a</w:t></mc:Fallback></mc:AlternateContent></w:r>",
                " calm",
            ),
            "Mood: \U0001f60a calm",
        ),
        (
            p(
                "<w:r><mc:AlternateContent><mc:Choice Requires='x'><w:t>New</w:t></mc:Choice>"
                "</mc:AlternateContent></w:r>"
            ),
            "New",
        ),
        (
            f"<mc:AlternateContent><mc:Choice Requires='x'/><mc:Fallback>{p('Other')}</mc:Fallback>"
            "</mc:AlternateContent>",
            "Other",
        ),
        (
            p(
                "<w:r><w:rPr><w:vanish/></w:rPr><mc:AlternateContent><mc:Choice Requires='x'><w:t>Hidden</w:t>"
                "</mc:Choice></mc:AlternateContent></w:r>",
                "Seen",
            ),
            "Seen",
        ),
    ],
    ids=["emoji", "text", "empty choice", "hidden"],
)
def test_alternative_content_with_text_is_read(body, text):
    assert read_text(body) == text
