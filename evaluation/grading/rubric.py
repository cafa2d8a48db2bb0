"""Checks of an evaluation: the general rubric, kept as versioned data, and the scenario author's own points."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ai.bounded_patterns import BoundedPattern
from evaluation.models import CriterionResult
from scenarios.models.scenario_checks import ScenarioCheck

_GENERAL_RUBRIC = json.loads((Path(__file__).parent / "rubrics" / "general.v2.json").read_text())
VERSION: str = _GENERAL_RUBRIC["version"]
RED_LINE_CAP: int = _GENERAL_RUBRIC["cap"]  # highest score with a crossed red line
BRANCHES: dict[str, str] = _GENERAL_RUBRIC["branches"]
# Skills to practice for each branch, by their default names. An organization may have renamed them.
SKILLS_BY_BRANCH: dict[str, list[str]] = {
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
# Explanations of crossed red lines, by check key.
RED_LINE_MESSAGES: dict[str, str] = {
    row["key"]: row["crossed"] for row in _GENERAL_RUBRIC["checks"] if "crossed" in row
}
_PROCEDURES_BRANCH = "procedures"
_OWNER = r"\b(?:account|line|cent(?:er|re)|organi[sz]ation|agency|hotline|helpline|company|program)(?:['’]s|s['’])?"
_OBEYS = r"\b(?:follow(?:s|ing)?|per|according to|in line with|compl(?:y|ies|ying) with|required by|as)"
# A scenario's check that rests on the account's document: without it, no one can say whether the check is met.
_NAMES_PROCEDURES = BoundedPattern(
    "|".join(
        (
            # Not the medical procedure that a caller tells of.
            r"(?<!\b(?:an?|his|her|their|your|medical|surgical|dental) (?:\w+ ){0,2})\bprocedures?\b",
            r"\bSOPs?\b|\bstandard operating\b|\b(?:hand|play|rule) ?books?\b",
            rf"{_OWNER} (?:\w+ )?(?:polic(?:y|ies)|protocols?|guidelines?|rules?|instructions?|manuals?|scripts?"
            r"|documents?|requirements?)\b",
            r"\bclient(?:['’]s|s['’])? (?:polic(?:y|ies)|protocols?|guidelines?)\b",
            rf"{_OBEYS} (?:the |our |these )?(?:\w+ )?(?:polic(?:y|ies)|protocols?|guidelines?|manuals?)\b",
            r"\b(?:in|from|by|of) (?:the|our) (?:\w+ )?(?:manuals?|documents?|protocols?|guidelines?)\b",
            r"\b(?:polic(?:y|ies)|protocols?) (?:documents?|manuals?|sections?)\b|\bwritten instructions\b",
            r"(?:\b(?:sections? |secs?\. ?|chapters? )|§ ?)\d(?! (?:housing|vouchers?)\b)",
        )
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Check:
    """One atomic question about a conversation.

    A red line that is not met caps the score. A red line of `commission` is crossed by something that the counselor
    said, which must be quoted. A red line of `omission` is crossed by leaving something unsaid.
    """

    key: str  # unique within an evaluation
    text: str  # the question
    weight: int  # share of the score
    source: str = CriterionResult.Source.RUBRIC
    needs_quote: bool = True  # False if leaving something undone meets the check
    branch: str = ""  # a key of BRANCHES; empty for a scenario's checks
    red_line: str = ""  # `commission`, `omission`, or empty
    expected: str = ""  # the outcome that the scenario's author expects
    phrases: tuple[str, ...] = ()  # example words that would meet the check; equivalent words count, too

    @property
    def is_about_procedures(self) -> bool:
        """Return whether the check can be judged only with the account's procedures at hand."""
        if self.source == CriterionResult.Source.RUBRIC:
            return self.branch == _PROCEDURES_BRANCH
        return bool(_NAMES_PROCEDURES.search(self.text) or _NAMES_PROCEDURES.search(self.expected))


def general_checks(has_procedures: bool = True) -> list[Check]:
    """Return the checks of the general rubric. Without procedures, the checks about them are left out."""
    return [
        Check(
            row["key"],
            row["check"],
            row["weight"],
            needs_quote=row.get("needs_quote", "red_line" not in row),
            branch=row["branch"],
            red_line=row.get("red_line", ""),
        )
        for row in _GENERAL_RUBRIC["checks"]
        if has_procedures or row["branch"] != _PROCEDURES_BRANCH
    ]


def scenario_checks(checks: Sequence[ScenarioCheck]) -> list[Check]:
    """Return the scenario author's checks, as fixed in the version that was played."""
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
