"""Numbered sections of a procedure document: parsing, suggestions, and citations, without database access."""

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from accounts.procedures.outline import read_outline
from accounts.procedures.section_builders import SectionBuilder, join_steps
from ai.bounded_patterns import BoundedPattern

MAX_TITLE_LENGTH = 120  # characters; a longer heading is a sentence
_WORD_BEFORE_NUMBER = r"(?:section|chapter|policy|procedure|part|article|sec\.)[ \t]+(?:(?:no\.?|number)[ \t]+|\#)?"
_HEADING = BoundedPattern(
    rf"(?P<mark>\#{{1,6}}[ \t]+)?(?:{_WORD_BEFORE_NUMBER}|§[ \t]*)?"
    r"(?P<number>\d{1,5}(?:\.\d{1,3}){0,4})(?P<gap>[.):]?[ \t]+(?:[-–—][ \t]+)?|[.):])"
    r"(?P<title>[\"'“‘«(]?[^\W\d_].*|\d{1,4}[- ][^\W\d_]{2}.*)",
    re.IGNORECASE,
)
# The number of a heading whose title is on the next line.
_LONE_NUMBER = BoundedPattern(
    rf"\d{{1,5}}(?:\.\d{{1,3}}){{1,4}}\.?|{_WORD_BEFORE_NUMBER}\d{{1,5}}(?:\.\d{{1,3}}){{0,4}}[.:]?", re.IGNORECASE
)
# The end of a line that goes on with the number of another section, not with a heading.
_REFERENCE = BoundedPattern(r"(?:\b(?:section|chapter|see|and|or|to|in|of|under|with|extension|ext\.)|§|,)$")
_PAGE_NUMBER = BoundedPattern(
    r"[-–—| ]{0,4}(?:page[ \t]{1,3})?\d{1,4}(?:[ \t]{0,3}(?:of|/)[ \t]{0,3}\d{1,4})?[-–—| ]{0,4}", re.IGNORECASE
)
_MARGIN_LINES = 2  # lines at the top and the bottom of a page that may be its header and footer
_MIN_REPEATS = 3  # pages with the same line in the same place; fewer may be a coincidence
_NUMBER = BoundedPattern(r"\d+(?:\.\d+)*")
_DIGITS = BoundedPattern(r"\d+")
_SENTENCE_END = BoundedPattern(r"(?<=[.?!:;])\s")
_WORD = BoundedPattern(r"[^\W\d_]{3,}")
_SPACE = BoundedPattern("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SUFFIXES = ("ing", "ed", "es", "s")
_STOP_WORDS_TEXT = (
    "about after again all also and any are because been before being but call caller callers can could counselor "
    "did does for from had has have her him his how into its may more most must not off one only other our out "
    "over said she should some such than that the their them then there they this those through too under until "
    "very was were what when where which while who why will with would you your"
)
_STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())
MIN_CITATION_LETTERS = 12  # letters and digits; shorter quotes match everywhere


@dataclass(frozen=True)
class ParsedSection:
    """A numbered heading and the text under it, up to the next heading."""

    number: str
    title: str
    text: str
    page: int | None  # from 1; None in plain text
    last_page: int | None


def parse_sections(pages: Sequence[str], has_pages: bool = True) -> list[ParsedSection]:
    """Return the sections of a document in order. Tables of contents and repeated page headings are ignored."""
    lines = [page.splitlines() for page in pages]
    kept_lines = _drop_running_lines(lines) if has_pages else lines
    found = join_steps([section for section in _iterate_sections(kept_lines) if section.title])
    if len(found) < 2 and all(section.may_be_step for section in found):  # none, or only the number of the account
        found = read_outline(kept_lines, _is_title, _is_contents_line) or found
    with_text = {section.number for section in found if section.text and not section.is_contents}
    sections: dict[str, ParsedSection] = {}
    for section in found:
        if (not section.text or section.is_contents) and section.number in with_text:
            continue  # a table of contents, or a heading directly above its repetition
        existing = sections.get(section.number)
        page, last_page = (section.page, section.last_page) if has_pages else (None, None)
        if existing is None:
            sections[section.number] = ParsedSection(section.number, section.title, section.text, page, last_page)
        else:  # a heading repeated at the top of a page continues its section
            text = f"{existing.text}\n{section.text}".strip()
            sections[section.number] = ParsedSection(existing.number, existing.title, text, existing.page, last_page)
    return list(sections.values())


def _drop_running_lines(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the lines of the pages without page numbers and without repeated headers and footers.

    The first occurrence stays if it is a heading, because a section may begin there.
    """
    repeats = Counter(key for lines in pages for key in {_running_key(lines[index]) for index in _margins(lines)})
    seen: set[str] = set()
    kept = []
    for lines in pages:
        dropped = set()
        for index in _margins(lines):
            key = _running_key(lines[index])
            is_number = len(pages) > 1 and _PAGE_NUMBER.fullmatch(lines[index].strip()) is not None
            is_first_heading = key not in seen and _is_heading(lines[index])
            if is_number or (repeats[key] >= _MIN_REPEATS and not is_first_heading):
                dropped.add(index)
            seen.add(key)
        kept.append([line for index, line in enumerate(lines) if index not in dropped])
    return kept


def _margins(lines: Sequence[str]) -> set[int]:
    last = len(lines) - 1
    return {index for index in range(len(lines)) if index < _MARGIN_LINES or index > last - _MARGIN_LINES}


def _running_key(line: str) -> str:
    """Return the line in a form that is the same on every page. Heading numbers stay, and page numbers are masked."""
    plain = " ".join(line.split()).casefold()
    return plain if _is_heading(line) else _DIGITS.sub("#", plain)


def _is_heading(line: str) -> bool:
    return _LONE_NUMBER.fullmatch(line.strip()) is not None or _parse_heading(line) is not None


def _join_lone_numbers(lines: Sequence[str]) -> Iterable[str]:
    """Yield the lines, joining each lone number with the title below it."""
    pending = ""
    for line in lines:
        if pending and _parse_heading(f"{pending} {line.strip()}"):
            yield f"{pending} {line.strip()}"
            pending = ""
            continue
        if pending:
            yield pending
        pending = line.strip() if _LONE_NUMBER.fullmatch(line.strip()) else ""
        if not pending:
            yield line
    if pending:
        yield pending


def _is_title(line: str) -> bool:
    return len(line) <= MAX_TITLE_LENGTH and not line.endswith((".", "!", ";", ","))


def _iterate_sections(pages: Sequence[Sequence[str]]) -> Iterable[SectionBuilder]:
    current: SectionBuilder | None = None
    is_referred = False
    for page, lines in enumerate(pages, 1):
        for line in _join_lone_numbers(lines):
            heading = None if is_referred else _parse_heading(line)
            is_referred = _REFERENCE.search(line.rstrip()[-20:]) is not None
            if heading:
                if current:
                    yield current
                number, title, text = heading
                current = SectionBuilder(number, title, line.strip(), page, page, [text] if text else [])
            elif current and line.strip():
                current.is_contents = current.is_contents or (not current.lines and _has_leader(line))
                current.lines.append(line.strip())
                current.last_page = page
    if current:
        yield current


def _parse_heading(line: str) -> tuple[str, str, str] | None:
    """Return (number, title, text on the same line), or None if the line is not a heading.

    The title of a numbered paragraph is its beginning.
    """
    found = _HEADING.fullmatch(_without_markup(line))
    # A line that starts in lowercase continues a sentence that the PDF broke across lines.
    if not found or _is_contents_line(line) or found["title"].lstrip("\"'“‘«(")[:1].islower():
        return None
    number, title = found["number"], found["title"].strip().rstrip("#").strip()
    is_dotted = "." in number
    if not is_dotted and (found["gap"] in {".", ")", ":"} or title[0].isdigit()):
        return None
    ends = ".!;," if is_dotted else ".?!;,:"  # "3.1 What is a crisis?" is a heading
    is_sentence = title.rstrip("\"”’')").endswith(tuple(ends)) or len(title) > MAX_TITLE_LENGTH
    if not is_sentence or found["mark"]:
        return number, title[:MAX_TITLE_LENGTH].rstrip(" \t:"), ""
    # "1. Ask openly." is a list step; "3010 Ask directly." and "3.1 Ask directly." are citable paragraphs.
    has_leader = title.endswith((". .", "..", "…"))  # of a table of contents
    if title[0].isdigit() or has_leader or not (is_dotted or len(number) > 2):
        return None
    return number, _shorten_sentence(title), title


def _without_markup(line: str) -> str:
    """Return the line with plain blanks, and without the Markdown of bold type and of escaped periods."""
    plain = _SPACE.sub(" ", line).strip()
    if plain.lstrip("# ").startswith(("**", "__")):
        plain = plain.replace("**", "").replace("__", "").strip()
    return plain.replace("\\.", ".", 1)


def _is_contents_line(line: str) -> bool:
    """Return True for a line of a table of contents: dots or a wide gap, then a page number."""
    text = line.rstrip()
    head = text.rstrip("0123456789")
    gap = head[len(head.rstrip(" \t.…")) :]
    has_leader = "…" in gap or len(gap[gap.find(".") :]) > 2 if "." in gap or "…" in gap else len(gap) > 2
    return 1 <= len(text) - len(head) <= 4 and has_leader


def _has_leader(line: str) -> bool:
    return _is_contents_line(line) and not line.rstrip().rstrip("0123456789 ")[-1:].isalnum()


def _shorten_sentence(sentence: str) -> str:
    first = _SENTENCE_END.split(sentence, maxsplit=1)[0].rstrip(".;:,")
    return first if len(first) <= 80 else first[:80].rsplit(" ", 1)[0] + " …"


def rank_sections(text: str, sections: Sequence[ParsedSection], limit: int = 5) -> list[ParsedSection]:
    """Return up to `limit` sections that match the text, best match first.

    Rare words count more, long sections less. A section must share at least two words with the text.
    """
    words = [Counter(_stem_words(f"{section.title} {section.title} {section.text}")) for section in sections]
    document_frequency = Counter(word for counts in words for word in counts)
    wanted = set(_stem_words(text))
    scored = []
    for index, counts in enumerate(words):
        length = 1 + sum(counts.values()) / 200
        shared = wanted & counts.keys()
        score = sum(
            math.log(1 + len(words) / document_frequency[word]) * counts[word] / (counts[word] + length)
            for word in shared
        )
        if len(shared) > 1:
            scored.append((-score, index))
    return [sections[index] for _, index in sorted(scored)[:limit]]


def _stem_words(text: str) -> list[str]:
    """Return the stems of the text's words, without stop words."""
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    ending = next((end for end in _SUFFIXES if word.endswith(end) and len(word) - len(end) >= 4), "")
    return word.removesuffix(ending)


def normalize_for_matching(text: str) -> str:
    """Return only lowercase letters and digits: PDF readers agree on these, not on spaces, hyphens, and quotes."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


@dataclass(frozen=True)
class CitationLocation:
    """Section and page of quoted words, where the document has them."""

    section: str  # number; empty if no section contains the words
    title: str
    page: int | None  # from 1; None in plain text


@dataclass(frozen=True)
class IndexedSection:
    """A section in a citation index, with normalized text."""

    number: str
    title: str
    page: int | None  # from 1; None in plain text
    letters: str  # from `normalize_for_matching`


class CitationIndex:
    """Normalized pages and sections of one document, in which quoted words are looked up."""

    def __init__(self, pages: Sequence[tuple[int | None, str]], sections: Sequence[IndexedSection]) -> None:
        self.sections = sections
        self._by_number = {section.number: section for section in sections}
        self._page_numbers = [number for number, _ in pages]
        self._page_starts = list(accumulate((len(letters) for _, letters in pages), initial=0))
        self._text = "".join(letters for _, letters in pages)

    def find(self, words: str, section: str = "") -> CitationLocation | None:
        """Return the location of the words, preferably in the named section, or None if too short or not found."""
        wanted = normalize_for_matching(words)
        position = self._text.find(wanted) if len(wanted) >= MIN_CITATION_LETTERS else -1
        if position < 0:
            return None
        named_sections = (self._by_number[number] for number in _NUMBER.findall(section) if number in self._by_number)
        best = next((candidate for candidate in named_sections if wanted in candidate.letters), None)
        best = best or self._nearest_section_above(position, wanted)
        if best is None:
            return CitationLocation("", "", self._page_at(position))
        # If the words occur several times, take the first occurrence after the section begins.
        first_page = self._page_numbers.index(best.page) if best.page in self._page_numbers else 0
        position_in_section = self._text.find(wanted, self._page_starts[first_page])
        return CitationLocation(
            best.number,
            best.title,
            self._page_at(position_in_section if position_in_section >= 0 else position),
        )

    def _nearest_section_above(self, at: int, wanted: str) -> IndexedSection | None:
        """Return the nearest section at or above this position that contains the words."""
        page = self._page_at(at)
        above = (
            section
            for section in reversed(self.sections)
            if page is None or section.page is None or section.page <= page
        )
        return next((section for section in above if wanted in section.letters), None)

    def _page_at(self, position: int) -> int | None:
        return self._page_numbers[min(bisect_right(self._page_starts, position), len(self._page_numbers)) - 1]
