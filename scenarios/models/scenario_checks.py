"""Checks of a scenario: proposed from the author's text, edited by the author, and fixed in each version."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.web.visible_text import is_blank, strip_blank
from ai.bounded_patterns import BoundedPattern
from scenarios.linting.criteria_parser import MAX_CRITERIA, MAX_CRITERION_LENGTH, LeftOutLine, parse_evaluator_context

WEIGHTS = (1, 2, 3)
DEFAULT_WEIGHT, SAFETY_WEIGHT = 2, 3
MAX_EXPECTED_LENGTH, MAX_PHRASES, MAX_PHRASE_LENGTH = 300, 5, 120  # characters, phrases, characters
_SAFETY_TERMS = BoundedPattern(
    r"\b(?:suicid\w*|safety|self-harm|danger\w*|must|always|never|emergency|weapon\w*|means)\b", re.IGNORECASE
)
_WEIGHT = BoundedPattern(r"[(\[]weight(?:ing)?\s*+[:=]?+\s*+([123])[)\]]", re.IGNORECASE)
_QUOTED = BoundedPattern(r"[“\"]([^“”\"]{3,120})[”\"]")


class ScenarioCheck(TypedDict):
    """One thing to assess."""

    text: str
    weight: int  # one of WEIGHTS
    expected: str  # expected outcome, if any
    phrases: list[str]  # wording that would show it


@dataclass(frozen=True)
class CheckPlan:
    """The checks that will be graded, and the author's lines that will not be."""

    checks: list[ScenarioCheck]
    is_proposed: bool  # True if they were taken from the evaluator context, False if the author edited them
    left_out: list[LeftOutLine] = field(default_factory=list)  # empty for edited checks


def plan_checks(edited: list[ScenarioCheck], evaluator_context: str) -> CheckPlan:
    """Return the checks of a scenario: the edited ones, or else those proposed from its evaluator context.

    Grading, previews, forms, and the API all use this function. Safety checks weigh more, unless the author wrote
    “(weight: 2)”, and quoted passages become phrases.
    """
    if edited:
        return CheckPlan(edited, is_proposed=False)
    parsed = parse_evaluator_context(evaluator_context)
    return CheckPlan([_propose_check(point.text) for point in parsed.points], True, parsed.left_out)


def propose_checks(evaluator_context: str) -> list[ScenarioCheck]:
    return plan_checks([], evaluator_context).checks


def _propose_check(text: str) -> ScenarioCheck:
    written = _WEIGHT.search(text)
    text = " ".join(_WEIGHT.sub("", text, 1).split()) if written else text
    proposed = SAFETY_WEIGHT if _SAFETY_TERMS.search(text) else DEFAULT_WEIGHT
    return {
        "text": text,
        "weight": int(written[1]) if written else proposed,
        "expected": "",
        "phrases": _QUOTED.findall(text)[:MAX_PHRASES],
    }


def clean_checks(rows: Iterable[Mapping[str, Any]]) -> list[ScenarioCheck]:
    """Return cleaned rows without those that have no text. Raise ValidationError with the number of an invalid row."""
    kept = [_clean_check(number, row) for number, row in enumerate(rows, 1) if not is_blank(str(row.get("text") or ""))]
    if len(kept) > MAX_CRITERIA:
        raise ValidationError(
            _("Enter at most %(most)s checks. There are %(count)s."), params={"most": MAX_CRITERIA, "count": len(kept)}
        )
    return kept


def _clean_check(number: int, row: Mapping[str, Any]) -> ScenarioCheck:
    text, expected = strip_blank(str(row["text"])), strip_blank(str(row.get("expected") or ""))
    phrases = [strip_blank(str(phrase)) for phrase in row.get("phrases") or [] if not is_blank(str(phrase))]
    weight = row.get("weight", DEFAULT_WEIGHT)
    if weight not in WEIGHTS or isinstance(weight, bool):
        raise ValidationError(_("Check %(number)s: Choose a weight of 1, 2, or 3."), params={"number": number})
    for message, value, max_length in (
        (_("Check %(number)s: The text has %(count)s characters. The limit is %(most)s."), text, MAX_CRITERION_LENGTH),
        (
            _("Check %(number)s: The expected outcome has %(count)s characters. The limit is %(most)s."),
            expected,
            MAX_EXPECTED_LENGTH,
        ),
    ):
        if len(value) > max_length:
            raise ValidationError(
                message, params={"number": number, "count": f"{len(value):,}", "most": f"{max_length:,}"}
            )
    if len(phrases) > MAX_PHRASES or any(len(phrase) > MAX_PHRASE_LENGTH for phrase in phrases):
        raise ValidationError(
            _("Check %(number)s: Enter at most %(most)s phrases of at most %(longest)s characters each."),
            params={"number": number, "most": MAX_PHRASES, "longest": MAX_PHRASE_LENGTH},
        )
    return {"text": text, "weight": weight, "expected": expected, "phrases": phrases}
