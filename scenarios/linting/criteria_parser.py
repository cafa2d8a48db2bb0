"""Parser that splits an evaluator context into criteria, shared by writing advice and grading."""

from ai.bounded_patterns import BoundedPattern
from scenarios.linting.passages import TextPassage

MAX_CRITERIA = 20  # list items checked; later ones are ignored
MAX_CRITERION_LENGTH = 1000  # characters of a criterion, or of a whole text without a list
_BULLET = BoundedPattern(r"^\s*+(?:[-*•]|\d{1,2}[.)])\s++(?=\S)")


def split_criteria(evaluator_context: str) -> list[TextPassage]:
    """Return the items of the text's list in order, or nothing if the text has no list."""
    found, start = [], 0
    for line in evaluator_context.splitlines(keepends=True):
        if bullet := _BULLET.match(line):
            found.append(TextPassage(line[bullet.end() :].rstrip(), start + bullet.end()))
        start += len(line)
    return found
