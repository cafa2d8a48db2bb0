"""Evidence behind a grade: a quote is shown only if it appears in the transcript, word for word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from accounts.procedures.sections import MIN_CITATION_LETTERS, CitationIndex, CitationLocation, normalize_for_matching
from ai import InjectionSpan, remove_injections

# One form for characters that models, transcriptions, and keyboards write differently.
_EQUIVALENT_CHARACTERS = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "…": "."}
)
_MIN_CHARACTERS = 2  # a shorter quote proves nothing


@dataclass(frozen=True)
class GraderTurn:
    """One turn as shown to the grader."""

    id: str  # short id in the prompt, such as `t3`
    turn_id: str  # id of the turn in the transcript
    is_counselor: bool  # spoken by the counselor, else by the caller
    text: str  # the words as heard
    # Prompt injections: neither shown to the grader nor accepted as evidence.
    redacted_spans: tuple[InjectionSpan, ...] = ()

    @property
    def redacted_text(self) -> str:
        """The text without the redacted spans."""
        return remove_injections(self.text, self.redacted_spans)

    def locate(self, words: str) -> tuple[int, int] | None:
        """Return (start, end) of the first occurrence of the words outside the redacted spans, or None."""
        for start, end in iter_occurrences(words, self.text):
            if not any(start < span.end and end > span.start for span in self.redacted_spans):
                return start, end
        return None


@dataclass(frozen=True)
class VerifiedQuote:
    """A quote verified in the transcript."""

    turn: str  # id of the turn in the transcript
    start: int  # offset in the turn's text as heard
    end: int  # offset after the last character
    text: str  # exactly `heard[start:end]` of that turn


def _normalize(text: str) -> str:
    """Return the text in lowercase with unified punctuation, at the same length, so that offsets hold in both."""
    if text.isascii():
        return text.lower()
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return lowered.translate(_EQUIVALENT_CHARACTERS)


def find_words(words: str, text: str) -> tuple[int, int] | None:
    """Return (start, end) of the first occurrence of the words in the text, or None."""
    return next(iter_occurrences(words, text), None)


def iter_occurrences(words: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each occurrence of the words in the text, as whole words.

    Only case, whitespace, and the shape of quotation marks, dashes, and ellipses may differ.
    """
    wanted = " ".join(_normalize(words).strip().strip("\"'.").split())
    if len(wanted.replace(" ", "")) < _MIN_CHARACTERS:
        return
    flat, origin = _collapse_whitespace(text)
    at = flat.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not (_is_word_character(flat[at - 1 : at]) or _is_word_character(flat[end : end + 1])):
            yield origin[at], origin[end - 1] + 1
            at = flat.find(wanted, end)
        else:
            at = flat.find(wanted, at + 1)


def _is_word_character(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


@lru_cache(maxsize=1024)
def _collapse_whitespace(text: str) -> tuple[str, list[int]]:
    """Return the normalized text with each run of whitespace as one space, and each character's offset in the text."""
    letters: list[str] = []
    origin: list[int] = []
    for place, letter in enumerate(_normalize(text)):
        if not letter.isspace():
            letters.append(letter)
            origin.append(place)
        elif letters and letters[-1] != " ":
            letters.append(" ")
            origin.append(place)
    return "".join(letters), origin


def verify_quote(
    words: str, line_id: str, lines: Sequence[GraderTurn], of_counselor: bool = True
) -> VerifiedQuote | None:
    """Return one speaker's words as they appear in the transcript, or None.

    They must appear in the named turn, or else in exactly one turn of that speaker.
    """
    own = [line for line in lines if line.is_counselor == of_counselor]
    named = [line for line in own if line.id == line_id]
    for candidates in (named, own):
        found = [(line, span) for line in candidates if (span := line.locate(words))]
        if len(found) == 1:
            line, (start, end) = found[0]
            return VerifiedQuote(line.turn_id, start, end, line.text[start:end])
    return None


@dataclass(frozen=True)
class VerifiedCitation:
    """A verified quote from the procedures, with its place in the document."""

    section: str  # number of the section
    title: str  # title of the section
    page: int | None  # None if unknown
    text: str  # the words, with single spaces


def verify_citation(
    words: str, section: str, passages: Sequence[str], index: CitationIndex | None
) -> VerifiedCitation | None:
    """Return the citation if its words appear in a search result and in the document itself, else None.

    `passages` are search results after `normalize_for_matching`. For a document that was stored before indexes
    existed, a search result is enough.
    """
    wanted = normalize_for_matching(words)
    if len(wanted) < MIN_CITATION_LETTERS or not any(wanted in passage for passage in passages):
        return None
    place = index.find(words, section) if index else CitationLocation(section, "", None)
    return VerifiedCitation(place.section, place.title, place.page, " ".join(words.split())) if place else None
