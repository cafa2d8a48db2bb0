"""Kinds and sources of flags, with a fixed severity for each kind. No model decides how severe a flag is."""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class FlagSeverity(models.TextChoices):
    INFO = "info", _("Info")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class FlagKind(models.TextChoices):
    JAILBREAK = "jailbreak", _("Attempt to break the simulation")
    INAPPROPRIATE = "inappropriate", _("Inappropriate language")
    OFF_TOPIC = "off_topic", _("Off topic")
    PERSONAL_DATA = "personal_data", _("Real personal information")
    GAMING = "gaming", _("Attempt to influence the grade")
    ROLE_CONFUSION = "role_confusion", _("The caller took the counselor’s role")
    PROMPT_LEAKAGE = "prompt_leakage", _("The caller revealed its instructions")
    CHARACTER_BREAK = "character_break", _("The caller broke character")
    OMITTED_BEHAVIOUR = "omitted_behaviour", _("The caller left out something the scenario requires")
    INVENTED_ELEMENTS = "invented_elements", _("The caller invented something that is not in the scenario")
    DIFFICULTY_MISMATCH = "difficulty_mismatch", _("Easier or harder than the scenario’s difficulty")
    COUNSELOR_DISTRESS = "counselor_distress", _("The counselor may need support")
    WRONG_GUIDANCE = "wrong_guidance", _("Wrong guidance in the feedback")
    TECHNICAL = "technical", _("Technical problem")
    OTHER = "other", _("Other")


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

    WRONG_GUIDANCE = FlagKind.WRONG_GUIDANCE.value, _("The feedback is wrong or unsafe")
    TECHNICAL = FlagKind.TECHNICAL.value, _("Something didn’t work")
    OTHER = FlagKind.OTHER.value, _("Something else")


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
    GRADER = "grader", _("Grader")
    SCAN = "scan", _("Independent scan")
    RULES = "rules", _("Automatic rule")
    COUNSELOR = "counselor", _("Reported by the counselor")


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
