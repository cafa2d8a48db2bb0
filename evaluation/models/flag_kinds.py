"""Kinds and sources of flags, with a fixed severity for each kind. No model decides how severe a flag is."""

from dataclasses import dataclass

from django.db import models


class FlagSeverity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class FlagKind(models.TextChoices):
    JAILBREAK = "jailbreak", "tries to break the simulation"
    INAPPROPRIATE = "inappropriate", "inappropriate language"
    OFF_TOPIC = "off_topic", "off topic"
    PERSONAL_DATA = "personal_data", "real personal data"
    GAMING = "gaming", "tries to steer the grading"
    ROLE_CONFUSION = "role_confusion", "the caller took the counselor's part"
    PROMPT_LEAKAGE = "prompt_leakage", "the caller revealed its instructions"
    CHARACTER_BREAK = "character_break", "the caller fell out of its part"
    OMITTED_BEHAVIOUR = "omitted_behaviour", "the caller left out what the scenario asks for"
    INVENTED_ELEMENTS = "invented_elements", "the caller invented what the scenario does not hold"
    DIFFICULTY_MISMATCH = "difficulty_mismatch", "easier or harder than the scenario says"
    COUNSELOR_DISTRESS = "counselor_distress", "the counselor may need support"
    WRONG_GUIDANCE = "wrong_guidance", "the feedback gives wrong guidance"
    TECHNICAL = "technical", "a technical problem"
    OTHER = "other", "something else"


SEVERITY_BY_KIND: dict[str, FlagSeverity] = {
    FlagKind.JAILBREAK: FlagSeverity.CRITICAL,
    FlagKind.INAPPROPRIATE: FlagSeverity.CRITICAL,
    FlagKind.OFF_TOPIC: FlagSeverity.INFO,
    FlagKind.PERSONAL_DATA: FlagSeverity.WARNING,
    FlagKind.GAMING: FlagSeverity.CRITICAL,
    FlagKind.ROLE_CONFUSION: FlagSeverity.CRITICAL,
    FlagKind.PROMPT_LEAKAGE: FlagSeverity.CRITICAL,
    FlagKind.CHARACTER_BREAK: FlagSeverity.WARNING,
    FlagKind.OMITTED_BEHAVIOUR: FlagSeverity.WARNING,
    FlagKind.INVENTED_ELEMENTS: FlagSeverity.WARNING,
    FlagKind.DIFFICULTY_MISMATCH: FlagSeverity.INFO,
    FlagKind.COUNSELOR_DISTRESS: FlagSeverity.CRITICAL,
    FlagKind.WRONG_GUIDANCE: FlagSeverity.CRITICAL,
    FlagKind.TECHNICAL: FlagSeverity.WARNING,
    FlagKind.OTHER: FlagSeverity.INFO,
}


class ProblemReportKind(models.TextChoices):
    """Problems that a counselor can report, in counselors' words. Each is also a kind of flag."""

    WRONG_GUIDANCE = FlagKind.WRONG_GUIDANCE.value, "The feedback tells me something wrong or dangerous"
    TECHNICAL = FlagKind.TECHNICAL.value, "Something did not work"
    OTHER = FlagKind.OTHER.value, "Something else"


# Sort order of severities: the most severe comes first.
SEVERITY_RANKS: dict[str, int] = {FlagSeverity.CRITICAL: 0, FlagSeverity.WARNING: 1, FlagSeverity.INFO: 2}
# Kinds proven by the counselor's words. The caller's faults are proven by the caller's words.
COUNSELOR_FLAG_KINDS = frozenset(
    {
        FlagKind.JAILBREAK,
        FlagKind.INAPPROPRIATE,
        FlagKind.OFF_TOPIC,
        FlagKind.PERSONAL_DATA,
        FlagKind.GAMING,
        FlagKind.COUNSELOR_DISTRESS,
    }
)


class FlagSource(models.TextChoices):
    GRADER = "grader"
    SCAN = "scan", "independent scan"
    RULES = "rules"
    COUNSELOR = "counselor", "reported by the counselor"


@dataclass(frozen=True)
class FlagFinding:
    """A flag to raise, with the words that support it if there are any."""

    kind: str  # a FlagKind
    source: str  # a FlagSource
    note: str = ""  # explanation for supervisors
    turn: str = ""  # id of the quoted turn
    quote: str = ""  # words from that turn

    @property
    def severity(self) -> FlagSeverity:
        return SEVERITY_BY_KIND[self.kind]
