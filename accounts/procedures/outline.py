"""Sections of documents whose headings have Roman numerals or letters: `IV. Safety`, `A. Opening`, `B.1 Greeting`."""

from collections.abc import Callable, Iterator, Sequence

from accounts.procedures.section_builders import SectionBuilder
from ai.bounded_patterns import BoundedPattern

_ROMAN = BoundedPattern(
    r"(?:(?i:article|section|part|chapter)[ \t]+)?(?P<number>[IVXLC]{1,7})(?:[.):]|[ \t]+[-–—])[ \t]+"
    r"(?P<title>[\"“(]?[^\W\d_].*)"
)
_LETTER = BoundedPattern(
    r"(?:(?i:section|part|chapter|appendix)[ \t]+)?(?P<number>[A-Z])(?:[.):]|[ \t]+[-–—])[ \t]+"
    r"(?P<title>[\"“(]?[^\W\d_].*)"
)
_BELOW_LETTER = BoundedPattern(
    r"(?P<number>[A-Z][.-]?\d{1,3}(?:\.\d{1,3}){0,3})[.):]?[ \t]+(?:[-–—][ \t]+)?(?P<title>[\"“(]?[^\W\d_].*)"
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def read_outline(
    pages: Sequence[Sequence[str]], is_title: Callable[[str], bool], is_contents: Callable[[str], bool]
) -> list[SectionBuilder]:
    """Return the sections in order, or [] if the headings are not numbered in order or have no text below them.

    `is_title` decides whether words may be a title, and `is_contents` whether a line is of a table of contents.
    """
    for read in (_read_roman, _read_letters):
        sections = list(_read(pages, read(), is_title, is_contents))
        if len(sections) > 1 and 2 * sum(bool(section.lines) for section in sections) >= len(sections):
            return sections
    return []


_Match = Callable[[str], tuple[str, str] | None]  # returns number and title of the next heading


def _read(
    pages: Sequence[Sequence[str]], match: _Match, is_title: Callable[[str], bool], is_contents: Callable[[str], bool]
) -> Iterator[SectionBuilder]:
    current: SectionBuilder | None = None
    for page, lines in enumerate(pages, 1):
        for line in filter(None, map(str.strip, lines)):
            found = None if is_contents(line) or not is_title(line) else match(line)
            if found:
                if current:
                    yield current
                current = SectionBuilder(found[0], found[1].rstrip(" :"), line, page, page, [])
            elif current:
                current.lines.append(line)
                current.last_page = page
    if current:
        yield current


def _read_roman() -> _Match:
    count = 0

    def match(line: str) -> tuple[str, str] | None:
        nonlocal count
        found = _ROMAN.fullmatch(line)
        if not found or _value_of(found["number"]) != count + 1:
            return None
        count += 1
        return found["number"], found["title"]

    return match


def _read_letters() -> _Match:
    letter = chr(ord("A") - 1)

    def match(line: str) -> tuple[str, str] | None:
        nonlocal letter
        if (found := _LETTER.fullmatch(line)) and ord(found["number"]) == ord(letter) + 1:
            letter = found["number"]
            return letter, found["title"]
        below = _BELOW_LETTER.fullmatch(line)
        if not below or not 0 <= ord(below["number"][0]) - ord(letter) <= 1:
            return None
        letter = below["number"][0]
        return below["number"], below["title"]

    return match


def _value_of(numeral: str) -> int:
    values = [_VALUES[letter] for letter in numeral]
    return sum(-one if one < following else one for one, following in zip(values, [*values[1:], 0], strict=True))
