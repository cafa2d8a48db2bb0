"""Rule-based detection of crossed red lines, independent of the grader: a manipulated grader cannot switch it off.

The patterns miss a lot and are sometimes wrong, so a person reviews each finding. English only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_noop

from ai.bounded_patterns import BoundedPattern, squeeze
from ai.pattern_files import read_patterns
from evaluation.grading.evidence import GraderTurn

_PATTERNS = Path(__file__).parent / "patterns"
_PATTERN_WORDS = {
    "DEATH": r"(?:suicid\w{0,20}+|(?:kill|hurt|harm)(?:ing)? yourself|end(?:ing)? (?:it all|your life|things)|dying|"
    r"do(?:ing)? (?:anything|something) (?:stupid|silly|rash)|take your (?:own )?life)"
}


def _compile_patterns(name: str) -> BoundedPattern:
    return read_patterns(_PATTERNS / f"{name}.txt", _PATTERN_WORDS, re.IGNORECASE)


_LEADING_NEGATIVE, _METHOD = _compile_patterns("leading_negative"), _compile_patterns("methods")
_DISCLOSURE, _FOLLOW_UP = _compile_patterns("disclosures"), _compile_patterns("taken_up")
_ABANDONMENT, _SAFEGUARD = _compile_patterns("leaving"), _compile_patterns("safeguards")
# Stored in English with the verdict, and translated when the feedback is shown.
_LEADING_NEGATIVE_REASON = gettext_noop("This asks about suicide in a way that makes “no” the easy answer.")
_METHOD_REASON = gettext_noop("This describes a method of suicide.")
_ABANDONMENT_REASON = gettext_noop("The caller had disclosed a risk, and this leaves them alone with it.")
_IGNORED_DISCLOSURE_REASON = gettext_noop(
    "The caller had just disclosed a risk. Neither this reply nor a later one responds to it."
)
_QUESTION = BoundedPattern(r"\?|\b(?:do you|have you|are there|did you|is there)\b", re.IGNORECASE)


@dataclass(frozen=True)
class CrossedRedLine:
    """A red line that was crossed, and the counselor's words that cross it."""

    key: str  # check key in the rubric
    turn: str  # id of the turn in the transcript
    start: int  # offset of the words in the turn's text
    end: int  # offset after the last character
    reason: str  # explanation for the feedback


def find_crossed_red_lines(lines: Sequence[GraderTurn]) -> list[CrossedRedLine]:
    """Return the red lines that a conversation crosses, each once, at its first occurrence."""
    found = [*_by_commission(lines), *_by_omission(lines)]
    return list({one.key: one for one in reversed(found)}.values())[::-1]


def _by_commission(lines: Sequence[GraderTurn]) -> list[CrossedRedLine]:
    """Return the red lines crossed by words: a leading negative question, or information about a method."""
    found = []
    for line in lines:
        if not line.is_counselor:
            continue
        squeezed = squeeze(line.text)
        text = _straighten_apostrophes(squeezed.text)
        if match := _LEADING_NEGATIVE.search(text):
            bounds = squeezed.original_span(*_sentence_bounds(text, match))
            found.append(CrossedRedLine("no_leading_negative", line.turn_id, *bounds, _LEADING_NEGATIVE_REASON))
        # Report each sentence once: a long one without punctuation may match thousands of times.
        for start, end in dict.fromkeys(_sentence_bounds(text, match) for match in _METHOD.finditer(text)):
            if not _QUESTION.search(text[start:end]):
                bounds = squeezed.original_span(start, end)
                found.append(CrossedRedLine("no_method_information", line.turn_id, *bounds, _METHOD_REASON))
    return found


def _by_omission(lines: Sequence[GraderTurn]) -> list[CrossedRedLine]:
    """Return the red lines crossed after the caller mentioned danger: ignoring it, or leaving without a safeguard."""
    found: list[CrossedRedLine] = []
    at_risk = False
    for index, line in enumerate(lines):
        squeezed = squeeze(line.text)
        text = _straighten_apostrophes(squeezed.text)
        if not line.is_counselor:
            if _DISCLOSURE.search(text):
                at_risk = True
                found += _ignored_disclosure(lines[index + 1 :])
        elif at_risk and (match := _ABANDONMENT.search(text)) and not _SAFEGUARD.search(text):
            bounds = squeezed.original_span(*_sentence_bounds(text, match))
            found.append(CrossedRedLine("no_abandonment", line.turn_id, *bounds, _ABANDONMENT_REASON))
    return found


def _ignored_disclosure(later: Sequence[GraderTurn]) -> list[CrossedRedLine]:
    """Return the first answer as a crossed red line if none of the counselor's later turns addresses the disclosure."""
    answers = [line for line in later if line.is_counselor]
    if not answers or any(_FOLLOW_UP.search(_straighten_apostrophes(squeeze(line.text).text)) for line in answers):
        return []
    first = answers[0]
    return [CrossedRedLine("takes_up_disclosure", first.turn_id, 0, len(first.text), _IGNORED_DISCLOSURE_REASON)]


def _straighten_apostrophes(text: str) -> str:
    return text.replace("’", "'")


def _sentence_bounds(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return (start, end) of the sentence around the match."""
    start = max(text.rfind(mark, 0, match.start()) for mark in ".!?") + 1
    ends = [at + 1 for mark in ".!?" if (at := text.find(mark, match.end() - 1)) >= 0]
    start += len(text[start:]) - len(text[start:].lstrip())
    return start, min(ends, default=len(text))
