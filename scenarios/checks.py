"""What a scenario checks: proposed from what its author wrote, edited by them, and fixed in each version."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

from scenarios.criteria import LONGEST_WHOLE, MOST_POINTS, points

WEIGHTS = (1, 2, 3)
USUAL_WEIGHT, GRAVE_WEIGHT = 2, 3
LONGEST_EXPECTED, MOST_PHRASES, LONGEST_PHRASE = 300, 5, 120
_GRAVE = re.compile(
    r"\b(?:suicid\w*|safety|self-harm|danger\w*|must|always|never|emergency|weapon\w*|means)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[“\"]([^“”\"]{3,120})[”\"]")


class ScenarioCheck(TypedDict):
    """One thing to assess: how much it counts, what should come of it, and words that would show it."""

    text: str
    weight: int
    expected: str
    phrases: list[str]


def proposed_checks(evaluator_context: str) -> list[ScenarioCheck]:
    """A check for each point of a list, one for a text without. What is grave weighs more; quotes are phrases."""
    texts = [point.text.strip() for point in points(evaluator_context)]
    if not texts and evaluator_context.strip():
        texts = [" ".join(evaluator_context.split())]
    return [_proposed(text[:LONGEST_WHOLE]) for text in texts[:MOST_POINTS] if text]


def _proposed(text: str) -> ScenarioCheck:
    return {
        "text": text,
        "weight": GRAVE_WEIGHT if _GRAVE.search(text) else USUAL_WEIGHT,
        "expected": "",
        "phrases": _QUOTED.findall(text)[:MOST_PHRASES],
    }


def cleaned_checks(rows: Iterable[Mapping[str, Any]]) -> list[ScenarioCheck]:
    """Rows as they are kept; those without a text are left out. Raises ValidationError and says which row is wrong."""
    kept = [_cleaned(number, row) for number, row in enumerate(rows, 1) if str(row.get("text") or "").strip()]
    if len(kept) > MOST_POINTS:
        raise ValidationError(f"At most {MOST_POINTS} checks; there are {len(kept)}.")
    return kept


def _cleaned(number: int, row: Mapping[str, Any]) -> ScenarioCheck:
    text, expected = str(row["text"]).strip(), str(row.get("expected") or "").strip()
    phrases = [str(phrase).strip() for phrase in row.get("phrases") or [] if str(phrase).strip()]
    weight = row.get("weight", USUAL_WEIGHT)
    if weight not in WEIGHTS or isinstance(weight, bool):
        raise ValidationError(f"Check {number}: it counts once, twice or three times.")
    for name, value, longest in (("text", text, LONGEST_WHOLE), ("expected outcome", expected, LONGEST_EXPECTED)):
        if len(value) > longest:
            raise ValidationError(
                f"Check {number}: the {name} has {len(value):,} characters; at most {longest:,} are taken."
            )
    if len(phrases) > MOST_PHRASES or any(len(phrase) > LONGEST_PHRASE for phrase in phrases):
        raise ValidationError(f"Check {number}: at most {MOST_PHRASES} phrases of at most {LONGEST_PHRASE} characters.")
    return {"text": text, "weight": weight, "expected": expected, "phrases": phrases}
