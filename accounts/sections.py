"""A procedure document taken apart by its numbered headings: for picking, suggesting and citing. No database here."""

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

LONGEST_TITLE = 120  # characters; what is longer is a sentence
_HEADING = re.compile(
    r"(?P<mark>\#{1,6}[ \t]+)?(?:(?:section|chapter|policy|procedure)[ \t]+)?"
    r"(?P<number>\d{1,5}(?:\.\d{1,3}){0,4})[.):]?[ \t]+(?P<title>[^\W\d_].*)",
    re.IGNORECASE,
)
# A line of a table of contents: dots, or a wide gap, and the number of a page.
_OF_CONTENTS = re.compile(r"(?:\.[ .]{2,}|\s{3,}|…)\s*\d{1,4}\s*$")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_WORD = re.compile(r"[^\W\d_]{3,}")
_ENDINGS = ("ing", "ed", "es", "s")
_COMMON_WORDS = (
    "about after again all also and any are because been before being but call caller callers can could counselor "
    "did does for from had has have her him his how into its may more most must not off one only other our out "
    "over said she should some such than that the their them then there they this those through too under until "
    "very was were what when where which while who why will with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
SHORTEST_CITATION = 12  # letters and digits; less than this stands everywhere


@dataclass(frozen=True)
class Section:
    """A numbered heading and what stands under it, up to the next one. Pages count from 1; none in plain text."""

    number: str
    title: str
    text: str
    page: int | None
    last_page: int | None


@dataclass
class _Open:
    """A section while its lines are read."""

    number: str
    title: str
    page: int
    last_page: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def sections_of(pages: Sequence[str], has_pages: bool = True) -> list[Section]:
    """The sections of a document, in order. A table of contents, and headings repeated on each page, do not count."""
    found = [one for one in _as_written(pages) if one.title]
    with_text = {one.number for one in found if one.text}
    sections: dict[str, Section] = {}
    for one in found:
        if not one.text and one.number in with_text:
            continue  # the table of contents, or a heading above its own repetition
        begun = sections.get(one.number)
        page, last_page = (one.page, one.last_page) if has_pages else (None, None)
        if begun is None:
            sections[one.number] = Section(one.number, one.title, one.text, page, last_page)
        else:  # repeated at the head of each page: it goes on
            text = f"{begun.text}\n{one.text}".strip()
            sections[one.number] = Section(begun.number, begun.title, text, begun.page, last_page)
    return list(sections.values())


def _as_written(pages: Sequence[str]) -> Iterable[_Open]:
    current: _Open | None = None
    for page, text in enumerate(pages, 1):
        for line in text.splitlines():
            if heading := _heading(line):
                if current:
                    yield current
                current = _Open(heading[0], heading[1], page, page, [heading[2]] if heading[2] else [])
            elif current and line.strip():
                current.lines.append(line.strip())
                current.last_page = page
    if current:
        yield current


def _heading(line: str) -> tuple[str, str, str] | None:
    """(number, title, text that stands on the same line). A numbered paragraph is titled by its beginning."""
    found = _HEADING.fullmatch(line.strip())
    # A line that a PDF broke in the middle of a sentence goes on in small letters.
    if not found or _OF_CONTENTS.search(line) or found["title"][0].islower():
        return None
    number, title = found["number"], found["title"].strip().rstrip("#").strip()
    is_sentence = title.rstrip("\"”’')").endswith((".", "?", "!", ";", ",", ":")) or len(title) > LONGEST_TITLE
    if not is_sentence or found["mark"]:
        return number, title[:LONGEST_TITLE].rstrip(), ""
    # "1. Ask openly." is a step of a list; "3010 Ask directly." is a paragraph that can be cited.
    if len(number.replace(".", "")) < 3:
        return None
    return number, _beginning(title), title


def _beginning(sentence: str) -> str:
    first = re.split(r"(?<=[.?!:;])\s", sentence, maxsplit=1)[0].rstrip(".;:,")
    return first if len(first) <= 80 else first[:80].rsplit(" ", 1)[0] + " …"


def suggest(text: str, sections: Sequence[Section], most: int = 5) -> list[Section]:
    """The sections that speak of what the text speaks of, best first: rare words count more, long sections less."""
    words = [Counter(_stems(f"{one.title} {one.title} {one.text}")) for one in sections]
    spread = Counter(word for counted in words for word in counted)
    wanted = set(_stems(text))
    scored = []
    for index, counted in enumerate(words):
        length = 1 + sum(counted.values()) / 200
        shared = wanted & counted.keys()
        score = sum(
            math.log(1 + len(words) / spread[word]) * counted[word] / (counted[word] + length) for word in shared
        )
        if len(shared) > 1:
            scored.append((-score, index))
    return [sections[index] for _, index in sorted(scored)[:most]]


def _stems(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.casefold()) if word not in _COMMON]


def _stem(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 4), "")
    return word.removesuffix(ending)


def squeezed(text: str) -> str:
    """Letters and digits alone: two programs that read one PDF agree on these, not on spaces, hyphens and quotes."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


@dataclass(frozen=True)
class Place:
    """Where cited words stand: the section and the page, as far as the document has them."""

    section: str
    title: str
    page: int | None


@dataclass(frozen=True)
class Lettered:
    """A section as an index needs it, with its text squeezed."""

    number: str
    title: str
    page: int | None
    letters: str


class Index:
    """The squeezed pages and sections of one document, to look cited words up in."""

    def __init__(self, pages: Sequence[tuple[int | None, str]], sections: Sequence[Lettered]) -> None:
        self.sections = sections
        self._by_number = {one.number: one for one in sections}
        self._pages = [number for number, _ in pages]
        self._starts = list(accumulate((len(letters) for _, letters in pages), initial=0))
        self._whole = "".join(letters for _, letters in pages)

    def find(self, words: str, section: str = "") -> Place | None:
        """Where the words stand, in the section named if they stand in several; None when they stand nowhere."""
        wanted = squeezed(words)
        at = self._whole.find(wanted) if len(wanted) >= SHORTEST_CITATION else -1
        if at < 0:
            return None
        named = (self._by_number[number] for number in _NUMBER.findall(section) if number in self._by_number)
        best = next((one for one in named if wanted in one.letters), None) or self._last_before(at, wanted)
        if best is None:
            return Place("", "", self._page_at(at))
        # Of several places the one after the section's beginning.
        begin = self._pages.index(best.page) if best.page in self._pages else 0
        inside = self._whole.find(wanted, self._starts[begin])
        return Place(best.number, best.title, self._page_at(inside if inside >= 0 else at))

    def _last_before(self, at: int, wanted: str) -> Lettered | None:
        """The section that holds the words at this place: the nearest above them."""
        page = self._page_at(at)
        above = (one for one in reversed(self.sections) if page is None or one.page is None or one.page <= page)
        return next((one for one in above if wanted in one.letters), None)

    def _page_at(self, position: int) -> int | None:
        return self._pages[min(bisect_right(self._starts, position), len(self._pages)) - 1]
