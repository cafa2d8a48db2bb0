"""The shapes that models answer in: evidence first, then the reason, then the verdict, as they should think."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

FlagKind = Literal[
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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QuoteSaid(_Strict):
    turn: str
    text: str


class CitationSaid(_Strict):
    section: str
    text: str


class Judged(_Strict):
    key: str
    quotes: list[QuoteSaid]
    citations: list[CitationSaid]
    reason: str
    verdict: Literal["met", "not_met", "not_applicable"]


class WentWell(_Strict):
    turn: str
    quote: str
    why: str


class Improvement(_Strict):
    turn: str
    quote: str
    goal: str
    effect: str
    better_wording: str
    why: str


class Flagged(_Strict):
    kind: FlagKind
    turn: str
    quote: str
    note: str


class Grading(_Strict):
    """What a grader answers. No score: that is computed from the verdicts, in code."""

    criteria: list[Judged]
    rationale: str
    went_well: list[WentWell]
    improvements: list[Improvement]
    learning_objective: str
    reflection_questions: list[str]
    flags: list[Flagged]


class Scanned(_Strict):
    """What the independent scan answers."""

    flags: list[Flagged]


Gravity = Literal["minor", "moderate", "serious"]


class Statement(_Strict):
    """Something that the documentation says of the conversation."""

    quote: str
    turn: str
    evidence: str
    verdict: Literal["supported", "unsupported", "contradicted", "minimized"]
    severity: Gravity
    note: str


class Omission(_Strict):
    turn: str
    evidence: str
    severity: Gravity
    note: str


class RuleKept(_Strict):
    rule: str
    is_kept: bool
    severity: Gravity
    note: str


class Compared(_Strict):
    """What a comparison of documentation and transcript answers. No scores: those are computed, in code."""

    statements: list[Statement]
    omissions: list[Omission]
    guidelines: list[RuleKept]
    summary: str
