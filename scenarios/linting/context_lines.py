"""Lines of an evaluator context with their list markers, indents, and heading shapes."""

from dataclasses import dataclass

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.passages import TextPassage

_TAB_COLUMNS = 4
MAX_HEADING_LENGTH = 120  # characters; a longer line is a sentence
_GAP = r"[ \t\u00a0]++"
_NUMBER = BoundedPattern(rf"\(?(\d{{1,3}}(?:\.\d{{1,3}}){{0,9}}+)(?:[.)]|(?<=\.\d)|(?<=\.\d\d)){_GAP}(?=\S)")
_LETTER = BoundedPattern(rf"\(?([A-Za-z]|[ivx]{{2,5}}|[IVX]{{2,5}})[.)]{_GAP}(?=\S)")
_BULLET = BoundedPattern(rf"(?:[-*+•‣●■♦►➢❖–—✓✔☐☑](?:{_GAP}\[[ xX]?\])?|\[[ xX]?\]){_GAP}(?=\S)")
# Microsoft Word uses these for the second and third levels, and pasted text often loses their indent.
_LOWER_BULLET = BoundedPattern(rf"(?:[◦○▪▫·∙⁃»›→\uf0a7]{_GAP}(?=\S)|o(?:\t[ \t]*|[ \t]+(?=[A-Z])))")
_HASHES = BoundedPattern(r"(#{1,6})[ \t]+(?=\S)")
_BOLD = BoundedPattern(r"(?:\*\*([^*\n]++)\*\*|__([^_\n]++)__)[ \t]*:?")
_UNDERLINE = BoundedPattern(r"(?<![ \t])[ \t]*+(?:={3,}|-{3,}|_{3,}|\*{3,}|~{3,})[ \t]*+")
_EMPHASIS = BoundedPattern(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
BOLD_LEVEL, CAPITALS_LEVEL, LINE_LEVEL = 7, 8, 9  # below the six levels of Markdown


@dataclass(frozen=True)
class ContextLine:
    """One line that is not blank."""

    number: int  # from 1
    passage: TextPassage  # text after the marker, as written
    indent: int  # columns before the marker
    marker: str = ""  # "number", "letter", "bullet", "lower" for a bullet of a lower level, or "" for a plain line
    depth: int = 0  # parts of a number such as 1.2
    level: int = 0  # 1 to 9 for a line that has the shape of a heading, 0 otherwise
    is_after_blank: bool = False

    @property
    def text(self) -> str:
        """The text without emphasis marks and surrounding whitespace."""
        return clean_text(self.passage.text)


def clean_text(text: str) -> str:
    return " ".join(_EMPHASIS.sub("", text).split())


def read_lines(text: str) -> list[ContextLine]:
    """Return the lines of a text, without blank lines and horizontal rules."""
    raw_lines, starts, position = text.splitlines(keepends=True), [], 0
    for raw in raw_lines:
        starts.append(position)
        position += len(raw)
    has_letters = _has_letter_list(raw_lines)
    found: list[ContextLine] = []
    is_after_blank = True
    for number, (raw, start) in enumerate(zip(raw_lines, starts, strict=True), 1):
        if not raw.strip() or _UNDERLINE.fullmatch(raw.rstrip("\r\n")):
            is_after_blank = True
            continue
        following = raw_lines[number].rstrip("\r\n") if number < len(raw_lines) else ""
        found.append(_read_line(number, raw, start, following, has_letters, is_after_blank))
        is_after_blank = False
    return found


def _has_letter_list(raw_lines: list[str]) -> bool:
    """Return True if lines start with both `a.` and `b.`, or `i.` and `ii.`. Just one may be a name: A. Smith."""
    letters = {found[1].lower() for raw in raw_lines if (found := _LETTER.match(raw.lstrip()))}
    return {"a", "b"} <= letters or {"i", "ii"} <= letters


def _read_line(
    number: int, raw: str, start: int, following: str, has_letters: bool, is_after_blank: bool
) -> ContextLine:
    body = raw.lstrip(" \t\u00a0>")
    offset = len(raw) - len(body)
    indent = len(raw[:offset].expandtabs(_TAB_COLUMNS))
    level, body, skipped = _read_heading(body, following)
    marker, depth, length = _read_marker(body, has_letters)
    passage = TextPassage(body[length:].rstrip(), start + offset + skipped + length)
    if not level and _is_in_capitals(passage.text) and marker in {"", "number", "letter"}:
        level = CAPITALS_LEVEL
    if not level and not marker and passage.text.endswith(":") and len(passage.text) <= MAX_HEADING_LENGTH:
        level = LINE_LEVEL
    return ContextLine(number, passage, indent, marker, depth, level, is_after_blank)


def _read_heading(body: str, following: str) -> tuple[int, str, int]:
    """Return the level of a Markdown heading, the body without its markup, and the number of characters skipped."""
    if hashes := _HASHES.match(body):
        return len(hashes[1]), body[hashes.end() :].rstrip().rstrip("#"), hashes.end()
    if bold := _BOLD.fullmatch(body.rstrip()):
        return BOLD_LEVEL, bold[1] or bold[2], 2
    is_item = _BULLET.match(body) or _LOWER_BULLET.match(body)
    if _UNDERLINE.fullmatch(following) and not is_item and following.strip()[0] in "=-":
        return 1 if following.strip()[0] == "=" else 2, body, 0
    return 0, body, 0


def _read_marker(body: str, has_letters: bool) -> tuple[str, int, int]:
    """Return the marker's kind, the parts of its number, and its length."""
    if found := _NUMBER.match(body):
        return "number", found[1].count(".") + 1, found.end()
    if found := _BULLET.match(body):
        return "bullet", 0, found.end()
    if found := _LOWER_BULLET.match(body):
        return "lower", 0, found.end()
    if has_letters and (found := _LETTER.match(body)):
        return "letter", 0, found.end()
    return "", 0, 0


def _is_in_capitals(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 4 and text == text.upper() and len(text) <= 80 and text.rstrip()[-1] not in ".!?;,"
