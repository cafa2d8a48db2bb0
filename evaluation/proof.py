"""The proof behind a grade: a quote is shown only where it stands in the transcript, word for word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from accounts.sections import SHORTEST_CITATION, Index, Place, squeezed
from ai import Span, without_instructions

# One writing for what a model, a transcription and a keyboard write differently.
_SAME = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "…": "."})
_SHORTEST = 2  # characters; less than this proves nothing


@dataclass(frozen=True)
class Line:
    """One turn as the grader was shown it: its short id, who spoke, what was heard."""

    id: str
    turn: str
    is_counselor: bool
    text: str
    barred: tuple[Span, ...] = ()  # what speaks to the grader: neither shown to it nor evidence of anything

    @property
    def shown(self) -> str:
        return without_instructions(self.text, self.barred)

    def place_of(self, words: str) -> tuple[int, int] | None:
        """Where the words first stand, outside of what speaks to the grader."""
        for start, end in places(words, self.text):
            if not any(start < span.end and end > span.start for span in self.barred):
                return start, end
        return None


@dataclass(frozen=True)
class Quote:
    """A proven quote: `text` is exactly `heard[start:end]` of that turn."""

    turn: str
    start: int
    end: int
    text: str


def _plain(text: str) -> str:
    """The same length as the text, so that offsets hold in both."""
    if text.isascii():
        return text.lower()
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return lowered.translate(_SAME)


def find(words: str, text: str) -> tuple[int, int] | None:
    """Where the words first stand in the text."""
    return next(places(words, text), None)


def places(words: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the words stand in the text: case, white space and the shape of quotation marks aside, nothing else."""
    wanted = " ".join(_plain(words).strip().strip("\"'.").split())
    if len(wanted.replace(" ", "")) < _SHORTEST:
        return
    flat, origin = _flat(text)
    at = flat.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not (_is_of_a_word(flat[at - 1 : at]) or _is_of_a_word(flat[end : end + 1])):
            yield origin[at], origin[end - 1] + 1
            at = flat.find(wanted, end)
        else:
            at = flat.find(wanted, at + 1)


def _is_of_a_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


@lru_cache(maxsize=1024)
def _flat(text: str) -> tuple[str, list[int]]:
    """The plain text with one blank for each white space, and where each of its characters stands in the text."""
    letters: list[str] = []
    origin: list[int] = []
    for place, letter in enumerate(_plain(text)):
        if not letter.isspace():
            letters.append(letter)
            origin.append(place)
        elif letters and letters[-1] != " ":
            letters.append(" ")
            origin.append(place)
    return "".join(letters), origin


def prove(words: str, line_id: str, lines: Sequence[Line], of_counselor: bool = True) -> Quote | None:
    """One side's words as they stand in the transcript: in the turn named, else in the only one with them."""
    own = [line for line in lines if line.is_counselor == of_counselor]
    named = [line for line in own if line.id == line_id]
    for candidates in (named, own):
        found = [(line, span) for line in candidates if (span := line.place_of(words))]
        if len(found) == 1:
            line, (start, end) = found[0]
            return Quote(line.turn, start, end, line.text[start:end])
    return None


@dataclass(frozen=True)
class Citation:
    """Proven words of the procedures, and where the document has them."""

    section: str
    title: str
    page: int | None
    text: str


def cite(words: str, section: str, passages: Sequence[str], index: Index | None) -> Citation | None:
    """The words, if they stand in what the search returned (squeezed) and in the document itself: its section and page.

    Without an index, of a document from before there was one, what the search returned has to do.
    """
    wanted = squeezed(words)
    if len(wanted) < SHORTEST_CITATION or not any(wanted in passage for passage in passages):
        return None
    place = index.find(words, section) if index else Place(section, "", None)
    return Citation(place.section, place.title, place.page, " ".join(words.split())) if place else None
