"""What is checked: the general rubric, as versioned data, and the scenario author's own points."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.models import CriterionResult
from scenarios.checks import ScenarioCheck

_GENERAL = json.loads((Path(__file__).parent / "rubrics" / "general.v2.json").read_text())
VERSION: str = _GENERAL["version"]
CAP: int = _GENERAL["cap"]  # the highest score that a crossed red line leaves
BRANCHES: dict[str, str] = _GENERAL["branches"]
# Which skills of a scenario are named after what a branch asks for; an organization may rename its own.
PRACTISED_BY: dict[str, list[str]] = {
    "engagement": ["Rapport building", "Active listening"],
    "structure": ["Call routing", "Active listening"],
    "risk": ["Risk assessment", "Self-harm assessment"],
    "safety": ["Safety planning"],
    "de_escalation": ["De-escalation", "Anxiety support"],
    "listening": ["Active listening", "Grief support"],
    "problem_solving": ["Resource linkage"],
    "judgement": ["Boundary setting"],
    "humility": ["Rapport building"],
    "closing": ["Termination", "Safety planning"],
    "procedures": ["Call routing", "Safety planning"],
    "red_lines": ["Risk assessment", "Safety planning"],
}
# What it means that a red line is not met, by its key.
CROSSED: dict[str, str] = {row["key"]: row["crossed"] for row in _GENERAL["checks"] if "crossed" in row}
_FROM_PROCEDURES = "procedures"


@dataclass(frozen=True)
class Check:
    """One atomic question to a conversation.

    Without `needs_quote` it is met by what was left undone. A red line caps the score when it is not met: of
    `commission` by words of the counselor's, which must be proven, of `omission` by what they did not say.
    """

    key: str
    text: str
    weight: int
    source: str = CriterionResult.Source.RUBRIC
    needs_quote: bool = True
    branch: str = ""
    red_line: str = ""
    expected: str = ""
    phrases: tuple[str, ...] = ()


def general_checks(has_procedures: bool = True) -> list[Check]:
    """The general rubric; without a document nothing is asked about procedures."""
    return [
        Check(
            row["key"],
            row["check"],
            row["weight"],
            needs_quote=row.get("needs_quote", "red_line" not in row),
            branch=row["branch"],
            red_line=row.get("red_line", ""),
        )
        for row in _GENERAL["checks"]
        if has_procedures or row["branch"] != _FROM_PROCEDURES
    ]


def scenario_checks(checks: Sequence[ScenarioCheck]) -> list[Check]:
    """What the author of a scenario wants checked, as it was fixed in the version that was played."""
    return [
        Check(
            f"scenario_{number}",
            check["text"],
            check["weight"],
            CriterionResult.Source.SCENARIO,
            expected=check["expected"],
            phrases=tuple(check["phrases"]),
        )
        for number, check in enumerate(checks, 1)
    ]
