"""How an evaluator context is taken apart into what is checked: for the advice while writing and for grading alike."""

import re

from scenarios.passages import Passage

MOST_POINTS = 20  # no more of a list are checked,
LONGEST_WHOLE = 1000  # nor more characters of a text without one
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s+(?=\S)")


def points(evaluator_context: str) -> list[Passage]:
    """The points of a list, in order; none where the text has no list."""
    found, start = [], 0
    for line in evaluator_context.splitlines(keepends=True):
        if bullet := _BULLET.match(line):
            found.append(Passage(line[bullet.end() :].rstrip(), start + bullet.end()))
        start += len(line)
    return found
