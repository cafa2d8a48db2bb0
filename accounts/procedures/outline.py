"""Sections of documents whose headings have Roman numerals or letters: `IV. Safety`, `A. Opening`, `B.1 Greeting`."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from accounts.procedures.section_builders import SectionBuilder, plain_title
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
    r"(?P<number>[A-Z][.-]\d{1,3}(?:\.\d{1,3}){0,3})[.):]?[ \t]+(?:[-–—][ \t]+)?(?P<title>[\"“(]?[^\W\d_].*)"
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

# Takes a line and the number of the section before it, or "". Returns the number and the title if the line is the next
# heading.
_Match = Callable[[str, str], tuple[str, str] | None]


def read_outline(
    pages: Sequence[Sequence[str]], is_title: Callable[[str], bool], is_contents: Callable[[str], bool]
) -> list[SectionBuilder]:
    """Return the sections in order, or [] if there are fewer than two headings or most have no text below them.

    Roman numerals and letters must be consecutive. The numbers below a letter, such as B.1 and B.3, must increase.
    `is_title` returns True for a possible title, `is_contents` for a line of a table of contents.
    """

    def may_be_heading(line: str) -> bool:
        return is_title(line) and not is_contents(line)

    titles = [line for lines in pages for line in map(str.strip, lines) if may_be_heading(line)]
    for match in (_match_roman, _letter_matcher(titles)):
        sections = _read(pages, match, may_be_heading)
        if len(sections) > 1 and 2 * sum(bool(section.lines) for section in sections) >= len(sections):
            return sections
    return []


def _read(pages: Sequence[Sequence[str]], match: _Match, may_be_heading: Callable[[str], bool]) -> list[SectionBuilder]:
    sections: list[SectionBuilder] = []
    has_text = False  # in a section before the last
    for page, lines in enumerate(pages, 1):
        for line in filter(None, map(str.strip, lines)):
            found = None
            if may_be_heading(line):
                found = match(line, sections[-1].number if sections else "")
                first = None if found or has_text else match(line, "")
                if first and _are_contents(sections, first[1]):
                    found, sections = first, []
            if found:
                has_text = bool(sections) and (has_text or bool(sections[-1].lines))
                sections.append(SectionBuilder(found[0], found[1].rstrip(" :"), line, page, page, []))
            elif sections:
                sections[-1].lines.append(line)
                sections[-1].last_page = page
    return sections


def _are_contents(sections: Sequence[SectionBuilder], first_title: str) -> bool:
    """Return True if the sections, none of which but the last has text, are a table of contents above a first heading.

    The last entry may have text if the heading repeats the first entry: the lines between the table and the heading.
    """
    is_repeated = len(sections) > 1 and plain_title(sections[0].title) == plain_title(first_title)
    return is_repeated or not sections[-1].lines


def _match_roman(line: str, previous: str) -> tuple[str, str] | None:
    found = _ROMAN.fullmatch(line)
    if not found or _value_of(found["number"]) != _value_of(previous) + 1:
        return None
    return found["number"], found["title"]


def _letter_matcher(titles: Sequence[str]) -> _Match:
    """Return a matcher for “A. Opening” and “A.1 Greeting”.

    “B.1 Risk” may follow A directly if no title has the letter B alone.
    """
    lone_letters = {found["number"] for title in titles if (found := _LETTER.fullmatch(title))}

    def match(line: str, previous: str) -> tuple[str, str] | None:
        letter = previous[:1]
        following = chr(ord(letter) + 1) if letter else "A"
        found = _LETTER.fullmatch(line)
        if found and found["number"] == following:
            return found["number"], found["title"]
        found = _BELOW_LETTER.fullmatch(line)
        # A line that starts in lowercase continues a sentence.
        if not found or found["title"].lstrip('"“(')[:1].islower():
            return None
        number = found["number"]
        if number[0] == letter:
            is_next = _parts_below(number) >= _parts_below(previous)  # equal if repeated at the top of a page
        else:
            is_next = number[0] == following and following not in lone_letters
        return (number, found["title"]) if is_next else None

    return match


def _parts_below(number: str) -> list[int]:
    """Return [1, 2] for B.1.2, and [] for B."""
    return [int(part) for part in number[2:].split(".") if part]


def _value_of(numeral: str) -> int:
    """Return the value of a Roman numeral, and 0 for an empty one."""
    values = [_VALUES[letter] for letter in numeral]
    return sum(-one if one < following else one for one, following in pairwise([*values, 0]))
