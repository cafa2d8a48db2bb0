"""Lines of an evaluator context with their list markers, indents, and heading shapes."""

import re
from dataclasses import dataclass

from accounts.web.visible_text import is_blank
from ai.bounded_patterns import BoundedPattern
from scenarios.linting.context_markup import PlainLine, read_plain_lines
from scenarios.linting.passages import TextPassage

_TAB_COLUMNS = 4
_INDENT = " \t\u00a0\u2002\u2003\u2007\u202f\u3000\u200b\u200e\u200f\ufeff>"
MAX_HEADING_LENGTH = 120  # characters; a longer line is a sentence
_GAP = r"[ \t\u00a0]++"
_NUMBER = BoundedPattern(
    rf"(?:\(?(\d{{1,3}}(?:\.\d{{1,3}}){{0,9}}+)(?:[.)]|(?<=\.\d)|(?<=\.\d\d)){_GAP}(?=\S)"
    r"|(\d{1,3})(?:[.)](?=[^\W\d_])|[．、）]\s*(?=\S))|#(\d{1,3})[.):]?[ \t]+(?=\S)|[①-⑳❶-❿➀-➓][ \t]*(?=\S)"
    r"|(?:[0-9]\ufe0f?\u20e3|\U0001f51f)[ \t\u00a0]*(?=\S)"
    r"|(?:criterion|check|goal|objective|point|item|task|skill|standard|competency)"
    r"[ ]#?(\d{1,3})[ ]?[-–—:.)]\s+(?=\S))",
    re.IGNORECASE,
)
_LETTER = BoundedPattern(rf"\(?([A-Za-z]|[ivx]{{2,5}}|[IVX]{{2,5}})[.)]{_GAP}(?=\S)")
_ROMAN = BoundedPattern(r"[ivx]{1,5}", re.IGNORECASE)
_BULLET = BoundedPattern(
    rf"(?:[-*+•‣●♦►➢❖–—✓✔☐☑☒✅❌✗✘🚫⛔□◆◇➤➔·‐‑−👉🔹🔸](?:\ufe0f?{_GAP}\[[ xX]?\]|\ufe0f)?|\[[ xX]?\]|[-=]>){_GAP}(?=\S)"
    r"|[•‣●♦►➢❖✓✔☐☑☒✅❌✗✘🚫⛔□◆◇➤👉🔹🔸]\ufe0f?(?=[^\W_])|[-–](?=[A-Z][a-z])"
    rf"|[☀-➿⬀-⯿\U0001f300-\U0001faff][\U0001f3fb-\U0001f3ff]?\ufe0f?{_GAP}(?=\S)"  # an emoji and a space
)
# Microsoft Word uses these for the second and third levels, and pasted text often loses their indent.
_LOWER_BULLET = BoundedPattern(rf"(?:[◦○▫∙⁃»›→]{_GAP}(?=\S)|o(?:\t[ \t]*|[ \t]+(?=[A-Z])))")
# Third level below one of these, first level in other lists.
_SQUARE_BULLET = BoundedPattern(rf"(?:[▪■\uf0a7]{_GAP}|§\t[ \t]*)(?=\S)")
_NEGATIVE_MARKS, _POSITIVE_MARKS, _DOUBTFUL_MARKS = "❌🚫⛔", "✓✔✅☑", "✗✘"
_HASHES = BoundedPattern(r"(#{1,6})[ \t]+(?=\S)")
_BOLD = BoundedPattern(r"(?:\*\*([^*\n]++)\*\*|__([^_\n]++)__)[ \t]*:?")
_UNDERLINE = BoundedPattern(r"(?<![ \t])[ \t]*+(?:={3,}|-{3,}|_{3,}|\*{3,}|~{3,})[ \t]*+")
_EMPHASIS = BoundedPattern(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
BOLD_LEVEL, CAPITALS_LEVEL, LINE_LEVEL = 7, 8, 9  # below the six levels of Markdown


@dataclass(frozen=True)
class ContextLine:
    """One line that is not blank."""

    number: int  # from 1
    words: str  # text after the marker, without markup of HTML or tables
    passage: TextPassage  # the same in the author's text, as written
    indent: int  # columns before the marker
    marker: str = ""  # "number", "roman", "letter", "bullet", "lower", "square", or "" for a plain line
    depth: int = 0  # parts of a number such as 1.2
    level: int = 0  # 1 to 9 for a line that has the shape of a heading, 0 otherwise
    is_after_blank: bool = False
    is_negative: bool = False  # True if the mark says what not to do: ❌

    @property
    def text(self) -> str:
        """The text without emphasis marks and surrounding whitespace."""
        return clean_text(self.words)


def clean_text(text: str) -> str:
    return " ".join(_EMPHASIS.sub("", text).split())


@dataclass(frozen=True)
class _ListMarks:
    """Marks that mean something only beside others of their kind."""

    has_letters: bool  # lines start with both `a.` and `b.`. Just one may be a name: A. Smith.
    has_romans: bool  # lines start with both `i.` and `ii.`
    has_lower: bool  # bullets of the second level occur
    negatives: str  # marks for what not to do


def read_lines(text: str) -> list[ContextLine]:
    """Return the lines of a text, without blank lines and horizontal rules."""
    lines = read_plain_lines(text)
    marks = _find_marks(lines)
    found: list[ContextLine] = []
    is_after_blank = True
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else None
        one = None if _is_empty(line.text) else _read_line(text, line, following, marks, is_after_blank)
        is_after_blank = one is None or is_blank(one.text)
        if one and not is_after_blank:
            found.append(one)
    return found


def _is_empty(text: str) -> bool:
    return is_blank(text) or _UNDERLINE.fullmatch(text) is not None


def _find_marks(lines: list[PlainLine]) -> _ListMarks:
    bodies = [line.text.lstrip(_INDENT) for line in lines]
    letters = {found[1].lower() for body in bodies if (found := _LETTER.match(body))}
    has_positive = any(body[:1] in _POSITIVE_MARKS for body in bodies if body)
    return _ListMarks(
        {"a", "b"} <= letters,
        {"i", "ii"} <= letters,
        any(_LOWER_BULLET.match(body) for body in bodies),
        _NEGATIVE_MARKS + (_DOUBTFUL_MARKS if has_positive else ""),
    )


def _read_line(
    text: str, line: PlainLine, following: PlainLine | None, marks: _ListMarks, is_after_blank: bool
) -> ContextLine:
    body = line.text.lstrip(_INDENT)
    offset = len(line.text) - len(body)
    indent = len(line.text[:offset].expandtabs(_TAB_COLUMNS))
    level, body, skipped = _read_heading(body, following.text if following else "")
    marker, depth, length = _read_marker(body, marks)
    words = body[length:].rstrip()
    first = offset + skipped + length
    start, end = line.offsets[first], line.offsets[first + len(words)]
    if not level and _is_in_capitals(words) and marker in {"", "number", "roman", "letter"}:
        level = CAPITALS_LEVEL
    if not level and not marker and words.endswith(":") and len(words) <= MAX_HEADING_LENGTH:
        level = LINE_LEVEL
    is_negative = bool(marker) and body[:1] in marks.negatives
    passage = TextPassage(text[start:end], start)
    return ContextLine(line.number, words, passage, indent, marker, depth, level, is_after_blank, is_negative)


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


def _read_marker(body: str, marks: _ListMarks) -> tuple[str, int, int]:
    """Return the marker's kind, the parts of its number, and its length."""
    if found := _NUMBER.match(body):
        return "number", (found[1] or "").count(".") + 1, found.end()
    if found := _BULLET.match(body):
        return "bullet", 0, found.end()
    if found := _LOWER_BULLET.match(body):
        return "lower", 0, found.end()
    if found := _SQUARE_BULLET.match(body):
        return "square" if marks.has_lower else "bullet", 0, found.end()
    found = _LETTER.match(body)
    if found and marks.has_romans and _ROMAN.fullmatch(found[1]):
        return "roman" if found[1].isupper() else "lower", 0, found.end()
    if found and marks.has_letters:
        return "letter", 0, found.end()
    return "", 0, 0


def _is_in_capitals(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= 4 and text == text.upper() and len(text) <= 80 and text.rstrip()[-1] not in ".!?;,"
