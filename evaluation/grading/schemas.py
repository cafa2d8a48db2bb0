"""Schemas of the language models' answers.

Evidence precedes the reason and the verdict, so that a model reasons before it decides.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

GraderFlagKind = Literal[
    "jailbreak",
    "inappropriate",
    "off_topic",
    "personal_data",
    "gaming",
    "role_confusion",
    "prompt_leakage",
    "character_break",
    "omitted_behaviour",
    "invented_elements",
    "difficulty_mismatch",
    "counselor_distress",
]


# Class docstrings in this file are prompt text: pydantic sends them to the model as descriptions in the JSON schema.
class _StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClaimedQuote(_StrictModel):
    turn: str
    text: str


class ClaimedCitation(_StrictModel):
    section: str
    text: str


class CriterionAnswer(_StrictModel):
    key: str
    quotes: list[ClaimedQuote]
    citations: list[ClaimedCitation]
    reason: str
    verdict: Literal["met", "not_met", "not_applicable"]


class StrengthAnswer(_StrictModel):
    turn: str
    quote: str
    why: str


class ImprovementAnswer(_StrictModel):
    turn: str
    quote: str
    goal: str
    effect: str
    better_wording: str
    why: str


class FlagAnswer(_StrictModel):
    kind: GraderFlagKind
    turn: str
    quote: str
    note: str


class GradingAnswer(_StrictModel):
    """What a grader answers. No score: that is computed from the verdicts, in code."""

    criteria: list[CriterionAnswer]
    rationale: str
    went_well: list[StrengthAnswer]
    improvements: list[ImprovementAnswer]
    learning_objective: str
    reflection_questions: list[str]
    flags: list[FlagAnswer]


class ScanAnswer(_StrictModel):
    """What the independent scan answers."""

    flags: list[FlagAnswer]


GapSeverity = Literal["minor", "moderate", "serious"]


class StatementAnswer(_StrictModel):
    """Something that the documentation says of the conversation."""

    quote: str
    turn: str
    evidence: str
    verdict: Literal["supported", "unsupported", "contradicted", "minimized"]
    severity: GapSeverity
    note: str


class OmissionAnswer(_StrictModel):
    turn: str
    evidence: str
    severity: GapSeverity
    note: str


class GuidelineAnswer(_StrictModel):
    rule: str
    is_kept: bool
    severity: GapSeverity
    note: str


class ComparisonAnswer(_StrictModel):
    """What a comparison of documentation and transcript answers. No scores: those are computed, in code."""

    statements: list[StatementAnswer]
    omissions: list[OmissionAnswer]
    guidelines: list[GuidelineAnswer]
    summary: str
