"""Words, lines, and filled form fields of PDF pages, read in the sandbox of `pdf_sandbox.py`.

PDFium finds the characters and their positions. pypdf finds the form fields, and its plain reading shows whether
characters were lost.
"""

import ctypes
import dataclasses
import math
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from accounts.procedures.pdf_layout import Rule, Rules, read_lines
from accounts.procedures.pdf_visibility import find_hidden_objects
from accounts.procedures.pdf_words import Word, build_words

if TYPE_CHECKING:
    import pypdf
    import pypdfium2

_MAX_RULES = 1000  # lines of tables on one page; more are a drawing
_MIN_RULE, _MAX_RULE_WIDTH = 5.0, 3.0  # points
_LARGE_PICTURE = 0.1  # share of the page's area; smaller pictures are logos and marks
_UNKNOWN_SHARE = 0.05  # of the characters of a page; a few are bullets
_MARKUP = {"/Text", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret", "/Ink", "/Square", "/Circle"}
_NOT_SHOWN = 0b100010  # flags of an annotation that is hidden or only printed
_SOFT_HYPHENS = {0x02, 0xAD}  # PDFium reports a hyphen at the end of a line as 2
_INVISIBLE = frozenset(
    "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_LIGATURES = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}


@dataclass(frozen=True)
class PageReading:
    """The text of a page in reading order, with the values of its form fields in place."""

    text: str
    hidden: str  # text that a person does not see
    is_garbled: bool  # True if many glyphs are not mapped to characters


@dataclass
class _Letters:
    """The characters of a page by their rotation in quarter turns, in coordinates in which they are upright."""

    by_turn: dict[int, list[Word]] = dataclasses.field(default_factory=dict)
    hidden: list[str] = dataclasses.field(default_factory=list)
    count: int = 0
    unknown: int = 0  # glyphs that the file does not map to characters


def read_page(page: "pypdfium2.PdfPage", fields: list[Word], hidden_layers: frozenset[str]) -> PageReading:
    letters = _read_letters(page, find_hidden_objects(page, hidden_layers))
    turned = letters.by_turn
    main = max(turned, key=lambda turn: len(turned[turn]), default=0)
    lines = []
    for turn in sorted(turned, key=lambda turn: turn != main):
        words = build_words(turned[turn])
        if turn == main:
            words += [field for field in (_turn_box(field, turn) for field in fields) if not _is_printed(field, words)]
        lines += read_lines(words, _read_rules(page) if turn == 0 else Rules())
    if not turned:
        lines = read_lines(fields)
    is_garbled = letters.unknown > _UNKNOWN_SHARE * letters.count
    return PageReading("\n".join(lines), "".join(letters.hidden), is_garbled)


def _read_letters(page: "pypdfium2.PdfPage", hidden_objects: set[int]) -> _Letters:
    """Return the characters of a page. The letters that a ligature stands for share one box and are one character."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    found, text = _Letters(), page.get_textpage()
    handle, box = text.raw, pdfium.FS_RECTF()
    left, bottom, right, top = page.get_bbox()
    row: list[Word] = []
    place, place_index = (0.0, 0.0, 0.0, 0.0), -1  # of the last character that is visible
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(handle, index)
        if pdfium.FPDFText_IsGenerated(handle, index) == 1 and code not in _SOFT_HYPHENS:
            continue
        letter = _to_text(code)  # may be empty; its width still keeps the neighboring letters together
        if not pdfium.FPDFText_GetLooseCharBox(handle, index, ctypes.byref(box)):
            continue
        found.count += 1
        found.unknown += pdfium.FPDFText_HasUnicodeMapError(handle, index) == 1
        is_outside = not (left <= (box.left + box.right) / 2 <= right and bottom <= (box.bottom + box.top) / 2 <= top)
        if is_outside:  # a line that begins on the page and runs over its edge is read whole
            is_outside = place_index < 0 or _object_of(handle, place_index) != _object_of(handle, index)
        if is_outside or (hidden_objects and _object_of(handle, index) in hidden_objects):
            found.hidden.append(letter)
            continue
        last, place = place, (box.left, box.right, box.bottom, box.top)
        if place == last and place_index >= 0 and _object_of(handle, place_index) == _object_of(handle, index):
            row[-1] = dataclasses.replace(row[-1], text=row[-1].text + letter)
            continue
        turn = round(pdfium.FPDFText_GetCharAngle(handle, index) / (math.pi / 2)) % 4
        row, place_index = found.by_turn.setdefault(turn, []), index
        row.append(_turn_box(Word(*place, letter), turn))
    return found


def _object_of(handle: object, index: int) -> int | None:
    """Return the address of the text object that draws a character. Simulated bold type draws each letter twice."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    return ctypes.cast(pdfium.FPDFText_GetTextObject(handle, index), ctypes.c_void_p).value


def _to_text(code: int) -> str:
    """Return the visible text of a character, or an empty string."""
    if code in _SOFT_HYPHENS:
        return "-"
    letter = chr(code) if code < 0x110000 else ""
    if letter in _INVISIBLE or code == 0xFFFE or (code < 0x20 and code not in {0x09, 0x0A, 0x0D}):
        return ""
    return _LIGATURES.get(letter, letter)


def _turn_box(word: Word, turn: int) -> Word:
    """Return the word in coordinates turned back by `turn` clockwise quarter turns."""
    x0, x1, y0, y1 = word.x0, word.x1, word.y0, word.y1
    if turn == 1:  # text that runs down the page
        return Word(-y1, -y0, x0, x1, word.text)
    if turn == 2:
        return Word(-x1, -x0, -y1, -y0, word.text)
    if turn == 3:  # text that runs up the page
        return Word(y0, y1, -x1, -x0, word.text)
    return word


def _is_printed(field: Word, words: list[Word]) -> bool:
    """Return True if the page itself shows the value, as it does in a flattened form."""
    inside = [
        word.text
        for word in words
        if field.x0 - 2 <= (word.x0 + word.x1) / 2 <= field.x1 + 2 and field.y0 - 2 <= word.center <= field.y1 + 2
    ]
    return "".join(field.text.split()) in "".join(inside) if inside else False


def _read_rules(page: "pypdfium2.PdfPage") -> Rules:
    """Return the straight lines of a page, including the edges of boxes."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    horizontal: list[Rule] = []
    vertical: list[Rule] = []
    for path in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=3):
        left, bottom, right, top = path.get_bounds()
        if right - left > _MIN_RULE:
            heights = {bottom, top} if top - bottom > _MAX_RULE_WIDTH else {bottom}
            horizontal += [(left, right, height) for height in heights]
        if top - bottom > _MIN_RULE:
            positions = {left, right} if right - left > _MAX_RULE_WIDTH else {left}
            vertical += [(bottom, top, x) for x in positions]
        if len(horizontal) + len(vertical) > _MAX_RULES:
            return Rules()
    return Rules(_join_rules(horizontal), vertical)


def _join_rules(pieces: list[Rule]) -> list[Rule]:
    """Join pieces of lines that touch."""
    joined: list[Rule] = []
    for start, end, position in sorted(pieces, key=lambda piece: (round(piece[2]), piece[0])):
        if joined and abs(joined[-1][2] - position) < 1.5 and start - joined[-1][1] < 3.0:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end), joined[-1][2])
        else:
            joined.append((start, end, position))
    return joined


def has_large_picture(page: "pypdfium2.PdfPage") -> bool:
    """Return True if pictures cover a good part of the page. Their text cannot be read."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    width, height = page.get_size()
    area = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=5):
        left, bottom, right, top = picture.get_bounds()
        area += max(right - left, 0.0) * max(top - bottom, 0.0)
    return area > _LARGE_PICTURE * width * height


def choose_fuller(text: str, plain: str, hidden: str = "") -> tuple[str, bool]:
    """Return (`text`, False), or (`plain`, True) if the ordered reading in `text` lost words.

    Letters printed twice, ligatures, spaces inside words, and `hidden` text make no difference.
    """
    letters, hidden = _letters_of(text), _letters_of(hidden)
    words = (_without_repetition(_letters_of(word)) for word in plain.split())
    lost = [word for word in words if word not in letters and word not in hidden]
    if not lost:
        return text, False
    missing = sum((Counter(_letters_of(plain)) - Counter(letters + hidden)).values())
    extra = sum((Counter(letters + hidden) - Counter(_letters_of(plain))).values())
    # PDFium also reads words that pypdf cannot decode, so the reading with more letters is the fuller one.
    return (plain, True) if missing > extra else (text, False)


def _without_repetition(word: str) -> str:
    """Return the word once if pypdf read it twice because bold type was imitated."""
    half = len(word) // 2
    return word[:half] if half > 1 and word[:half] == word[half:] else word


def _letters_of(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if letter.isalnum())


def count_annotations(page: "pypdf.PageObject") -> Counter[str]:
    """Return the number of comments, and of stamps and signatures, whose words are not read."""
    counts: Counter[str] = Counter()
    for reference in page.annotations or ():
        annotation = reference.get_object()
        if not isinstance(annotation, dict) or _number(annotation.get("/F")) & _NOT_SHOWN:
            continue
        kind = annotation.get("/Subtype")
        counts["comments"] += kind in _MARKUP and bool(str(annotation.get("/Contents", "")).strip())
        counts["stamps"] += kind == "/Stamp" or (annotation.get("/FT") == "/Sig" and "/AP" in annotation)
    return counts


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def read_fields(page: "pypdf.PageObject") -> tuple[list[Word], int]:
    """Return the values shown in the form fields and text notes of a page, and the number of broken ones.

    Skip hidden ones.
    """
    import pypdf.generic  # noqa: PLC0415  # import only under the resource limits

    found: list[Word] = []
    broken = 0
    for reference in page.annotations or ():
        annotation = reference.get_object()
        try:
            if isinstance(annotation, pypdf.generic.DictionaryObject):
                found += _read_annotation(annotation)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            broken += 1
    return found, broken


def _read_annotation(annotation: "pypdf.generic.DictionaryObject") -> list[Word]:
    value = "" if int(annotation.get("/F", 0)) & _NOT_SHOWN else _shown_value(annotation)
    if not value:
        return []
    x0, y0, x1, y1 = map(float, cast("pypdf.generic.ArrayObject", annotation["/Rect"]))
    return _set_lines(value, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))


def _shown_value(annotation: "pypdf.generic.DictionaryObject") -> str:
    if annotation.get("/Subtype") == "/FreeText":
        return str(annotation.get("/Contents", ""))
    if annotation.get("/Subtype") != "/Widget":
        return ""
    kind, flags = _inherited(annotation, "/FT"), int(str(_inherited(annotation, "/Ff") or 0))
    value = _inherited(annotation, "/V")
    if kind == "/Btn":
        state = annotation.get("/AS") or value or "/Off"
        return "" if flags & 1 << 16 else "\u2612" if state != "/Off" else "\u2610"
    if value is None or (kind == "/Tx" and flags & 1 << 13) or kind not in {"/Tx", "/Ch"}:  # 1 << 13: password
        return ""
    if kind == "/Ch":
        options = dict(_read_options(_inherited(annotation, "/Opt")))
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(options.get(str(one), str(one)) for one in chosen)
    return str(value.get_data().decode("utf-8", "replace") if hasattr(value, "get_data") else value)


def _inherited(annotation: "pypdf.generic.DictionaryObject", key: str) -> object:
    """Return an entry of a field, or of its nearest parent that has the entry."""
    node: object = annotation
    for _ in range(10):
        if not isinstance(node, dict):
            return None
        if key in node:
            entry = node[key]
            return entry.get_object() if hasattr(entry, "get_object") else entry
        parent = node.get("/Parent")
        node = parent.get_object() if parent is not None else None
    return None


def _read_options(options: object) -> Iterator[tuple[str, str]]:
    """Yield (stored value, shown text) for each option of a choice field."""
    for option in options if isinstance(options, list) else ():
        entry = option.get_object()
        if isinstance(entry, list) and len(entry) == 2:
            yield str(entry[0]), str(entry[1])
        else:
            yield str(entry), str(entry)


def _set_lines(value: str, rect: tuple[float, float, float, float]) -> list[Word]:
    """Return the lines of a value as words inside a rectangle (left, bottom, right, top)."""
    left, bottom, right, top = rect
    lines = [line.strip() for line in value.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    height = min((top - bottom) / max(len(lines), 1), 12.0)
    if len(lines) == 1:
        top = (top + bottom + height) / 2
    return [
        Word(
            left,
            max(left + 1.0, min(right, left + 0.5 * height * len(line))),
            top - (index + 1) * height,
            top - index * height,
            line,
        )
        for index, line in enumerate(lines)
    ]
