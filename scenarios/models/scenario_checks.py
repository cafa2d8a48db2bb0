"""Checks of a scenario: proposed from the author's text, edited by the author, and fixed in each version."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

from scenarios.linting.criteria_parser import MAX_CRITERIA, MAX_CRITERION_LENGTH, split_criteria

WEIGHTS = (1, 2, 3)
DEFAULT_WEIGHT, SAFETY_WEIGHT = 2, 3
MAX_EXPECTED_LENGTH, MAX_PHRASES, MAX_PHRASE_LENGTH = 300, 5, 120  # characters, phrases, characters
_SAFETY_TERMS = re.compile(
    r"\b(?:suicid\w*|safety|self-harm|danger\w*|must|always|never|emergency|weapon\w*|means)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[“\"]([^“”\"]{3,120})[”\"]")


class ScenarioCheck(TypedDict):
    """One thing to assess."""

    text: str
    weight: int  # one of WEIGHTS
    expected: str  # expected outcome, if any
    phrases: list[str]  # words that would show it


def propose_checks(evaluator_context: str) -> list[ScenarioCheck]:
    """Return one check per list item, or one for a text without a list.

    Checks on safety weigh more, and quoted passages become phrases.
    """
    texts = [point.text.strip() for point in split_criteria(evaluator_context)]
    if not texts and evaluator_context.strip():
        texts = [" ".join(evaluator_context.split())]
    return [_proposed(text[:MAX_CRITERION_LENGTH]) for text in texts[:MAX_CRITERIA] if text]


def _proposed(text: str) -> ScenarioCheck:
    return {
        "text": text,
        "weight": SAFETY_WEIGHT if _SAFETY_TERMS.search(text) else DEFAULT_WEIGHT,
        "expected": "",
        "phrases": _QUOTED.findall(text)[:MAX_PHRASES],
    }


def clean_checks(rows: Iterable[Mapping[str, Any]]) -> list[ScenarioCheck]:
    """Return cleaned rows without those that have no text. Raise ValidationError with the number of an invalid row."""
    kept = [_cleaned(number, row) for number, row in enumerate(rows, 1) if str(row.get("text") or "").strip()]
    if len(kept) > MAX_CRITERIA:
        raise ValidationError(f"At most {MAX_CRITERIA} checks; there are {len(kept)}.")
    return kept


def _cleaned(number: int, row: Mapping[str, Any]) -> ScenarioCheck:
    text, expected = str(row["text"]).strip(), str(row.get("expected") or "").strip()
    phrases = [str(phrase).strip() for phrase in row.get("phrases") or [] if str(phrase).strip()]
    weight = row.get("weight", DEFAULT_WEIGHT)
    if weight not in WEIGHTS or isinstance(weight, bool):
        raise ValidationError(f"Check {number}: it counts once, twice or three times.")
    for name, value, longest in (
        ("text", text, MAX_CRITERION_LENGTH),
        ("expected outcome", expected, MAX_EXPECTED_LENGTH),
    ):
        if len(value) > longest:
            raise ValidationError(
                f"Check {number}: the {name} has {len(value):,} characters; at most {longest:,} are taken."
            )
    if len(phrases) > MAX_PHRASES or any(len(phrase) > MAX_PHRASE_LENGTH for phrase in phrases):
        raise ValidationError(
            f"Check {number}: at most {MAX_PHRASES} phrases of at most {MAX_PHRASE_LENGTH} characters."
        )
    return {"text": text, "weight": weight, "expected": expected, "phrases": phrases}
