"""What a supervisor should know of: its kinds, and how grave each is. No model decides on that."""

from dataclasses import dataclass

from django.db import models


class Severity(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Kind(models.TextChoices):
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


SEVERITIES: dict[str, Severity] = {
    Kind.JAILBREAK: Severity.CRITICAL,
    Kind.INAPPROPRIATE: Severity.CRITICAL,
    Kind.OFF_TOPIC: Severity.INFO,
    Kind.PERSONAL_DATA: Severity.WARNING,
    Kind.GAMING: Severity.CRITICAL,
    Kind.ROLE_CONFUSION: Severity.CRITICAL,
    Kind.PROMPT_LEAKAGE: Severity.CRITICAL,
    Kind.CHARACTER_BREAK: Severity.WARNING,
    Kind.OMITTED_BEHAVIOUR: Severity.WARNING,
    Kind.INVENTED_ELEMENTS: Severity.WARNING,
    Kind.DIFFICULTY_MISMATCH: Severity.INFO,
    Kind.COUNSELOR_DISTRESS: Severity.CRITICAL,
    Kind.WRONG_GUIDANCE: Severity.CRITICAL,
    Kind.TECHNICAL: Severity.WARNING,
    Kind.OTHER: Severity.INFO,
}


class ReportKind(models.TextChoices):
    """What a counselor may report, in their words; each is a kind of flag."""

    WRONG_GUIDANCE = Kind.WRONG_GUIDANCE.value, "The feedback tells me something wrong or dangerous"
    TECHNICAL = Kind.TECHNICAL.value, "Something did not work"
    OTHER = Kind.OTHER.value, "Something else"


# The gravest first.
RANKS: dict[str, int] = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
# Of these the counselor's words are the proof, of the caller's faults the caller's.
BY_COUNSELOR = frozenset(
    {Kind.JAILBREAK, Kind.INAPPROPRIATE, Kind.OFF_TOPIC, Kind.PERSONAL_DATA, Kind.GAMING, Kind.COUNSELOR_DISTRESS}
)


class Source(models.TextChoices):
    GRADER = "grader"
    SCAN = "scan", "independent scan"
    RULES = "rules"
    COUNSELOR = "counselor", "reported by the counselor"


@dataclass(frozen=True)
class Found:
    """Something to be told, and the words it rests on where there are any: `text` of turn `turn` (its id)."""

    kind: str
    source: str
    note: str = ""
    turn: str = ""
    quote: str = ""

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.kind]
