"""What is checked: the general rubric, as versioned data, and the scenario author's own points."""

import json
from dataclasses import dataclass
from pathlib import Path

from evaluation.models import CriterionResult
from scenarios.criteria import LONGEST_WHOLE, MOST_POINTS, points

_GENERAL = json.loads((Path(__file__).parent / "rubrics" / "general.v1.json").read_text())
VERSION: str = _GENERAL["version"]
_SCENARIO_WEIGHT = 2


@dataclass(frozen=True)
class Check:
    """One atomic question to a conversation. Without `needs_quote` it is met by what was left undone."""

    key: str
    text: str
    weight: int
    source: str = CriterionResult.Source.RUBRIC
    needs_quote: bool = True


def general_checks() -> list[Check]:
    return [
        Check(row["key"], row["check"], row["weight"], needs_quote=row.get("needs_quote", True))
        for row in _GENERAL["checks"]
    ]


def scenario_checks(evaluator_context: str) -> list[Check]:
    """Each point of a list in the author's text is a check; a text without a list is one check as a whole."""
    checked = [point.text for point in points(evaluator_context)]
    if not checked and evaluator_context.strip():
        checked = [" ".join(evaluator_context.split())[:LONGEST_WHOLE]]
    return [
        Check(f"scenario_{number}", point, _SCENARIO_WEIGHT, CriterionResult.Source.SCENARIO)
        for number, point in enumerate(checked[:MOST_POINTS], 1)
    ]
