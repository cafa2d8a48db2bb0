"""Evidence behind a grade: a quote is shown only if it appears in the transcript, word for word."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accounts.procedures.sections import MIN_CITATION_LETTERS, CitationIndex, CitationLocation, normalize_for_matching
from ai import FoldedText, InjectionSpan, fold_document, fold_text, remove_injections

_MIN_CHARACTERS = 2  # without spaces and punctuation; a shorter quote proves nothing


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


def find_words(words: str, text: str) -> tuple[int, int] | None:
    """Return (start, end) of the first occurrence of the words in the text, or None."""
    return next(iter_occurrences(words, text), None)


def iter_occurrences(words: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each occurrence of the words in the text, as whole words.

    Only what a reader would not see may differ, as `ai.text_folding` defines it.
    """
    return _iter_folded(fold_text(words), fold_text(text))


def _iter_folded(words: FoldedText, text: FoldedText) -> Iterator[tuple[int, int]]:
    wanted = words.text.strip("\"'. ")
    if sum(unicodedata.category(letter)[0] not in "PZ" for letter in wanted) < _MIN_CHARACTERS:
        return
    at = text.text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not (text.splits_word(at) or text.splits_word(end)):
            yield text.original_span(at, end)
            at = text.text.find(wanted, end)
        else:
            at = text.text.find(wanted, at + 1)


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

    For a document that was stored before indexes existed, a search result is enough.
    """
    if len(normalize_for_matching(words)) < MIN_CITATION_LETTERS:
        return None
    wanted = fold_document(words)
    found = next(
        (passage[slice(*span)] for passage in passages for span in _iter_folded(wanted, fold_document(passage))), None
    )
    place = index.find(words, section) if index else CitationLocation(section, "", None)
    if found is None or place is None:
        return None
    return VerifiedCitation(place.section, place.title, place.page, " ".join(found.split()))
