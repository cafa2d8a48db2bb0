"""The proof behind a grade: a quote is shown only where it stands in the transcript, word for word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Quote:
    """A proven quote: `text` is exactly `heard[start:end]` of that turn."""

    turn: str
    start: int
    end: int
    text: str


def _plain(text: str) -> str:
    """The same length as the text, so that offsets hold in both."""
    lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return lowered.translate(_SAME)


def find(words: str, text: str) -> tuple[int, int] | None:
    """Where the words stand in the text: case, white space and the shape of quotation marks aside, nothing else."""
    wanted = _plain(words).strip().strip("\"'.").split()
    if len("".join(wanted)) < _SHORTEST:
        return None
    pattern = r"\s+".join(re.escape(word) for word in wanted)
    found = re.search(rf"(?<!\w){pattern}(?!\w)", _plain(text))
    return found.span() if found else None


def prove(words: str, line_id: str, lines: Sequence[Line]) -> Quote | None:
    """The counselor's words as they stand in the transcript: in the turn named, else in the only one with them."""
    own = [line for line in lines if line.is_counselor]
    named = [line for line in own if line.id == line_id]
    for candidates in (named, own):
        found = [(line, span) for line in candidates if (span := find(words, line.text))]
        if len(found) == 1:
            line, (start, end) = found[0]
            return Quote(line.turn, start, end, line.text[start:end])
    return None


def stands_in(words: str, sources: Sequence[str]) -> bool:
    """Whether a citation stands in what the procedures' search returned."""
    return any(find(words, source) for source in sources)
