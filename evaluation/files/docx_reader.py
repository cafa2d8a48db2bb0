"""Text of a DOCX document as a person sees it in Word with tracked changes shown as accepted."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from evaluation.files.docx_fields import Field, read_form_field
from evaluation.files.docx_math import read_math
from evaluation.files.docx_numbering import Numbering
from evaluation.files.docx_package import REMOVED, DocxPackage, Styles, attribute, child, is_on, name_of
from evaluation.files.docx_symbols import CHECKED, UNCHECKED, is_symbol_font, read_symbol

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Elements that contain runs or blocks and are not visible themselves.
_WRAPPERS = {
    "w:ins", "w:moveTo", "w:smartTag", "w:customXml", "w:hyperlink", "w:fldSimple", "w:dir", "w:bdo", "w:sdtContent",
    "w:rubyBase", "w:ruby",
}  # fmt: skip
_FOREIGN = {
    "w:altChunk": "part",
    "w:subDoc": "part",
    "w:object": "object",
    "w:control": "object",
    "w:contentPart": "picture",
}
_MAX_COLUMNS = 63  # of a table in Word
_BREAKS = {"w:br": "\n", "w:cr": "\n", "w:tab": "\t", "w:ptab": "\t", "w:noBreakHyphen": "-", "w:softHyphen": ""}


class DocxReader:
    """Reader of one document. `unread` counts the parts that were not read, by kind."""

    def __init__(self, package: DocxPackage) -> None:
        self.unread: Counter[str] = Counter()
        self._package = package
        self._styles = Styles(package.parse_related("styles"))
        self._numbering = Numbering(package.parse_related("numbering"), self._styles)
        self._fields: list[Field] = []  # the open ones
        self._boxes: list[Element | str] = []  # text boxes of the current paragraph, and words of drawn shapes
        self._notes: list[tuple[str, str]] = []  # (kind, id) of footnotes and endnotes, in order

    def read_lines(self) -> list[str]:
        """Return the headers, the body, the footers, and the notes, each once."""
        root = self._package.parse(self._package.main)
        body = child(root, "w:body")
        if body is None:
            raise ValueError("The document has no body.")
        headers, footers = self._read_margins(body)
        lines = [*headers, *self._read_story(body), *footers, *self._read_notes()]
        return [line for line in lines if line.strip()]

    def _read_story(self, container: "Element") -> list[str]:
        self._fields = []
        return self._read_blocks(container)

    def _read_margins(self, body: "Element") -> tuple[list[str], list[str]]:
        """Return the lines of the headers and of the footers that appear on a page, without duplicates."""
        relations = self._package.relationships(self._package.main)
        has_even = is_on(child(self._package.parse_related("settings"), "w:evenAndOddHeaders"))
        found: dict[str, list[list[str]]] = {"w:headerReference": [], "w:footerReference": []}
        seen: set[str] = set()
        sections = [one for one in body.iter() if name_of(one) == "w:sectPr"]
        # A section inherits the headers of the one before, so its first page may show an earlier section's header.
        has_first = any(is_on(child(section, "w:titlePg")) for section in sections)
        shown = {"default"} | ({"even"} if has_even else set()) | ({"first"} if has_first else set())
        for section in sections:
            for reference in section:
                part = relations.get(attribute(reference, "id") or "", ("", ""))[1]
                if name_of(reference) not in found or attribute(reference, "type") not in shown or part in seen:
                    continue
                seen.add(part)
                root = self._package.parse(part)
                lines = [line for line in self._read_story(root) if line.strip()] if root is not None else []
                if lines not in found[name_of(reference)]:
                    found[name_of(reference)].append(lines)
        headers, footers = ([line for lines in stories for line in lines] for stories in found.values())
        return headers, footers

    def _read_notes(self) -> list[str]:
        lines = []
        roots = {kind: self._package.parse_related(f"{kind}s") for kind in ("footnote", "endnote")}
        for number, (kind, note_id) in enumerate(self._notes, 1):
            root = roots[kind]
            note = next((one for one in root if attribute(one, "id") == note_id), None) if root is not None else None
            if note is not None:
                lines.append(f"[{number}] " + "\n".join(self._read_story(note)).strip())
        return lines

    # Blocks

    def _read_blocks(self, container: "Element") -> list[str]:
        """Return the lines of the paragraphs and tables in a container. A table row of one-line cells is one line."""
        lines: list[str] = []
        carried = ""  # text of paragraphs whose end was deleted, to be joined with the next paragraph
        for block in self._iterate(container, {"w:p", "w:tbl", *_FOREIGN}):
            if name_of(block) == "w:p":
                text, boxed = self._read_paragraph(block)
                if self._ends_invisibly(block):
                    carried += text
                else:
                    lines.append(self._with_number(block, carried + text))
                    carried = ""
                lines += boxed
            elif name_of(block) == "w:tbl":
                lines += [carried] if carried else []
                carried = ""
                lines += self._read_table(block)
            else:
                self.unread[_FOREIGN[name_of(block)]] += 1
        return [*lines, carried] if carried else lines

    def _iterate(self, container: "Element", wanted: set[str]) -> "Iterator[Element]":
        """Yield the wanted descendants, also inside wrappers and content controls, but not removed ones."""
        for element in container:
            name = name_of(element)
            if name in wanted:
                yield element
            elif name == "w:sdt":
                if not _shows_placeholder(element):
                    yield from self._iterate(element, wanted)
            elif name == "mc:AlternateContent":
                yield from self._iterate(_choose_alternative(element), wanted)
            elif name in _WRAPPERS:
                yield from self._iterate(element, wanted)

    def _with_number(self, paragraph: "Element", text: str) -> str:
        number = self._numbering.number_paragraph(paragraph)
        return f"{number} {text}" if number and text.strip() else text

    def _ends_invisibly(self, paragraph: "Element") -> bool:
        """Return True if the end of a paragraph was deleted, moved away, or hidden."""
        mark = child(paragraph, "w:pPr", "w:rPr")
        removed = any(child(mark, name) is not None for name in REMOVED)
        return removed or is_on(child(mark, "w:vanish"))

    def _read_table(self, table: "Element") -> list[str]:
        lines: list[str] = []
        for row in self._iterate(table, {"w:tr"}):
            properties = child(row, "w:trPr")
            if child(properties, "w:del") is not None or is_on(child(properties, "w:hidden")):
                continue
            cells = [cell for element in self._iterate(row, {"w:tc"}) for cell in self._read_cell(element)]
            if all(len(cell) <= 1 for cell in cells):
                lines.append("\t".join(cell[0] if cell else "" for cell in cells).rstrip("\t"))
            else:
                lines += [line for cell in cells for line in cell]
        return lines

    def _read_cell(self, cell: "Element") -> list[list[str]]:
        """Return the lines of a cell for each column it spans. Empty cells keep later ones in their columns."""
        if child(cell, "w:tcPr", "w:cellDel") is not None:
            return []
        lines = [] if _is_merged_away(cell) else [line for line in self._read_blocks(cell) if line.strip()]
        span = attribute(child(cell, "w:tcPr", "w:gridSpan")) or "1"
        return [lines, *([[]] * (min(int(span), _MAX_COLUMNS) - 1 if span.isdigit() else 0))]

    # Runs

    def _read_paragraph(self, paragraph: "Element") -> tuple[str, list[str]]:
        """Return the text of a paragraph, and the lines of the text boxes that are anchored in it."""
        outer, self._boxes = self._boxes, []
        style = attribute(child(paragraph, "w:pPr", "w:pStyle")) or self._styles.default_paragraph
        text = "".join(self._read_inline(paragraph, self._styles.is_hidden(style)))
        boxes, self._boxes = self._boxes, outer
        fields, self._fields = self._fields, []
        boxed = [line for box in boxes for line in ([box] if isinstance(box, str) else self._read_blocks(box))]
        self._fields = fields
        return text, boxed

    def _read_inline(self, container: "Element", is_hidden: bool, is_removed: bool = False) -> Iterator[str]:
        """Yield the visible pieces of text. Fields are tracked in removed text, too, so that they end in order."""
        for element in container:
            name = name_of(element)
            if name == "w:r":
                yield from self._read_run(element, self._is_run_hidden(element, is_hidden) or is_removed)
            elif name in REMOVED:
                yield from self._read_inline(element, is_hidden, is_removed=True)
            elif name == "w:sdt":
                yield from self._read_control(element, is_hidden, is_removed)
            elif name == "mc:AlternateContent":
                yield from self._read_inline(_choose_alternative(element), is_hidden, is_removed)
            elif name in _WRAPPERS:
                yield from self._read_inline(element, is_hidden, is_removed)
            elif name in _FOREIGN and not is_removed:
                self.unread[_FOREIGN[name]] += 1
            elif name in {"m:oMath", "m:oMathPara"} and not is_removed:
                yield read_math(element)

    def _read_control(self, control: "Element", is_hidden: bool, is_removed: bool) -> Iterator[str]:
        """Yield the text of an inline content control, or its check box."""
        checkbox = child(control, "w:sdtPr", "w14:checkbox")
        if checkbox is not None:
            if not (is_hidden or is_removed):
                yield CHECKED if is_on(child(checkbox, "w14:checked")) else UNCHECKED
        elif not _shows_placeholder(control):
            yield from self._read_inline(control, is_hidden, is_removed)

    def _is_run_hidden(self, run: "Element", is_hidden: bool) -> bool:
        properties = child(run, "w:rPr")
        own = child(properties, "w:vanish")
        if own is not None:
            return is_on(own)
        style = attribute(child(properties, "w:rStyle"))
        return is_hidden or (style is not None and self._styles.is_hidden(style))

    def _read_run(self, run: "Element", is_hidden: bool, part: "Element | None" = None) -> Iterator[str]:
        """Yield the text of a run, or of a part of it."""
        for element in run if part is None else part:
            name = name_of(element)
            if name == "w:fldChar":
                yield from self._track_field(element, is_hidden)
            elif name == "w:instrText" and self._fields:
                self._fields[-1].code += element.text or ""
            elif is_hidden or not self._shows_fields():
                continue
            elif name == "w:t":
                yield self._read_characters(run, element.text or "")
            elif name in _BREAKS:
                yield _BREAKS[name]
            elif name == "w:sym":
                yield self._read_symbol(attribute(element, "font") or "", attribute(element, "char") or "")
            elif name in {"w:footnoteReference", "w:endnoteReference"}:
                yield self._refer_to_note(element)
            elif name == "w:commentReference":
                self.unread["comment"] += 1
            elif name == "w:ruby":
                yield from self._read_inline(element, is_hidden)
            elif name == "mc:AlternateContent":
                yield from self._read_run(run, is_hidden, _choose_alternative(element))
            elif name == "other:symEx":  # an emoji
                yield self._read_symbol(attribute(element, "font") or "", attribute(element, "char") or "")
            elif name in {"w:drawing", "w:pict", "w:object"} or name in _FOREIGN:
                self._read_drawing(element)

    def _shows_fields(self) -> bool:
        """Return True if the current text belongs to the results of all open fields, not to the code of one."""
        return all(field.has_result for field in self._fields)

    def _track_field(self, element: "Element", is_hidden: bool) -> Iterator[str]:
        """Track the parts of a field, and yield what Word shows for one that has no result as text."""
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            if not is_hidden and self._shows_fields():
                yield read_form_field(element)
            self._fields.append(Field())
        elif kind == "separate" and self._fields:
            self._fields[-1].has_result = True
        elif kind == "end" and self._fields:
            field = self._fields.pop()
            if not (field.has_result or is_hidden) and self._shows_fields():
                yield self._read_code(field.code)

    def _read_code(self, code: str) -> str:
        """Return the character that a SYMBOL field shows, and count a number that only Word can work out."""
        kind, *options = code.split() or [""]
        if kind.upper() == "SYMBOL" and options:
            font = code.partition('"')[2].partition('"')[0]
            code = options[0]
            return self._read_symbol(font, f"{int(code):X}" if code.isdigit() else code)
        self.unread["number"] += kind.upper() in {"AUTONUM", "AUTONUMLGL", "AUTONUMOUT", "LISTNUM"}
        return ""

    def _read_characters(self, run: "Element", text: str) -> str:
        """Return the text, with each character replaced by its symbol if the font is a symbol font."""
        font = attribute(child(run, "w:rPr", "w:rFonts"), "ascii") or ""
        if not text or not is_symbol_font(font):
            return text
        symbols = [letter if letter.isspace() else read_symbol(font, f"{ord(letter):X}") for letter in text]
        self.unread["symbol"] += symbols.count(None)
        return "".join(symbol or "" for symbol in symbols)

    def _read_symbol(self, font: str, code: str) -> str:
        text = read_symbol(font, code)
        if text is None:
            self.unread["symbol"] += 1
        return text or ""

    def _refer_to_note(self, element: "Element") -> str:
        self._notes.append(
            (name_of(element).removeprefix("w:").removesuffix("Reference"), attribute(element, "id") or "")
        )
        return f"[{len(self._notes)}]"

    def _read_drawing(self, drawing: "Element") -> None:
        """Save the text boxes of a drawing for after the paragraph, and count the parts without text."""
        found = {"picture": 0, "drawing": 0, "object": 0}
        if name_of(drawing) in _FOREIGN:
            found[_FOREIGN[name_of(drawing)]] += 1
        self._search_drawing(drawing, found)
        if found["object"]:
            found["picture"] = 0  # the preview of the embedded file
        self.unread.update({kind: min(count, 1) if kind == "object" else count for kind, count in found.items()})

    def _search_drawing(self, container: "Element", found: dict[str, int]) -> None:
        for element in container:
            name = name_of(element)
            if name == "w:txbxContent":
                self._boxes.append(element)
            elif name == "v:textpath":
                self._boxes.append(attribute(element, "string") or "")
            elif name == "a:p":
                self._boxes.append("".join(part.text or "" for part in element.iter() if name_of(part) == "a:t"))
            elif name == "mc:AlternateContent":
                self._search_drawing(_choose_alternative(element), found)
            else:
                found["picture"] += name in {"a:blip", "v:imagedata"}
                found["drawing"] += name in {"c:chart", "dgm:relIds", "other:chart"}
                found["object"] += name in {"o:OLEObject", "w:control"} and not found["object"]
                self._search_drawing(element, found)


def _choose_alternative(element: "Element") -> "Element":
    """Return the first of several versions of the same content that is not empty."""
    return next((one for one in element if name_of(one) in {"mc:Choice", "mc:Fallback"} and len(one)), element)


def _shows_placeholder(control: "Element") -> bool:
    return is_on(child(control, "w:sdtPr", "w:showingPlcHdr"))


def _is_merged_away(cell: "Element") -> bool:
    """Return True for a cell that the merged cell above or to the left covers."""
    properties = child(cell, "w:tcPr")
    merges = (child(properties, name) for name in ("w:vMerge", "w:hMerge"))
    return any(merge is not None and (attribute(merge) or "continue") == "continue" for merge in merges)
