"""Turns of one speaker in a row, read as one text: a question or a disclosure can be cut into several turns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ai import FoldedText, fold_text
from evaluation.grading.evidence import GraderTurn

_SENTENCE_ENDS = ".!?"


@dataclass(frozen=True)
class WordsInTurn:
    """Words of one turn, by their offsets."""

    turn: str  # id of the turn in the transcript
    start: int
    end: int  # offset after the last character


@dataclass(frozen=True)
class _Part:
    """A turn of an utterance."""

    offset: int  # of the turn's folded text in the utterance's text
    line: GraderTurn
    folded: FoldedText


@dataclass
class Utterance:
    """Turns of one speaker in a row, in folded text."""

    is_counselor: bool
    text: str = ""  # folded texts of the turns, with a space between two
    parts: list[_Part] = field(default_factory=list)

    def add(self, line: GraderTurn) -> None:
        folded = fold_text(line.text)
        self.text += " " if self.parts else ""
        self.parts.append(_Part(len(self.text), line, folded))
        self.text += folded.text

    @property
    def first_turn(self) -> WordsInTurn:
        """The whole first turn."""
        line = self.parts[0].line
        return WordsInTurn(line.turn_id, 0, len(line.text))

    def sentences(self) -> list[str]:
        """Return the sentences, each with the marks at its end."""
        return [sentence for start, end in self._iter_sentences() if (sentence := self.text[start:end].strip())]

    def sentence_around(self, start: int, end: int) -> tuple[int, int]:
        """Return (start, end) of the sentence around a match."""
        begin = max(self.text.rfind(mark, 0, start) for mark in _SENTENCE_ENDS) + 1
        ends = [at + 1 for mark in _SENTENCE_ENDS if (at := self.text.find(mark, max(start, end - 1))) >= 0]
        begin += len(self.text[begin:]) - len(self.text[begin:].lstrip())
        return begin, min(ends, default=len(self.text))

    def locate(self, match_start: int, start: int, end: int) -> WordsInTurn:
        """Return the words from `start` to `end`, cut to the turn in which the match starts."""
        part = next(part for part in reversed(self.parts) if part.offset <= match_start)
        first = max(0, start - part.offset)
        last = min(len(part.folded.text), end - part.offset)
        if first >= last:  # the match starts in the space between two turns
            return WordsInTurn(part.line.turn_id, 0, len(part.line.text))
        return WordsInTurn(part.line.turn_id, *part.folded.original_span(first, last))

    def _iter_sentences(self) -> Iterator[tuple[int, int]]:
        start = 0
        for place, letter in enumerate(self.text):
            following = self.text[place + 1 : place + 2]
            if letter in _SENTENCE_ENDS and following not in _SENTENCE_ENDS or not following:
                yield start, place + 1
                start = place + 1


def join_turns(lines: Sequence[GraderTurn]) -> list[Utterance]:
    """Return the utterances of a conversation, in order. Speakers alternate."""
    found = []
    for is_counselor, turns in groupby(lines, key=lambda line: line.is_counselor):
        utterance = Utterance(is_counselor)
        for line in turns:
            utterance.add(line)
        found.append(utterance)
    return found
