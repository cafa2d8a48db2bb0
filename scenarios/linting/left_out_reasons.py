"""Reasons for lines of an evaluator context that are not graded."""

from scenarios.linting.context_wording import SectionKind
from scenarios.messages import Message, gettext_noop

CALLER_FACT = Message(gettext_noop("This describes the caller, not what the counselor does."))
OUTSIDE_LIST = Message(gettext_noop("This is not a list item and does not say what the counselor does."))
UNCLEAR = Message(gettext_noop("Neither the heading nor the wording says that the counselor should do this."))
_BY_SECTION = {
    SectionKind.FACTS: gettext_noop("“%(heading)s” is about the caller or the situation."),
    SectionKind.MISTAKES: gettext_noop(
        "“%(heading)s” lists what goes wrong. Write what the counselor should do instead."
    ),
    SectionKind.NOTES: gettext_noop("“%(heading)s” is for the evaluator. The grader reads it, but it is not a check."),
}


def of_section(kind: SectionKind, heading: str) -> Message:
    return Message(_BY_SECTION[kind], {"heading": heading.strip(" :")})


def too_many(most: int) -> Message:
    return Message(gettext_noop("At most %(most)s points are graded. This one comes after them."), {"most": most})


def too_long(most: int) -> Message:
    return Message(
        gettext_noop("A check can have at most %(most)s characters. This part does not fit. Make it a separate point."),
        {"most": f"{most:,}"},
    )


def repeats(line: int) -> Message:
    return Message(gettext_noop("Line %(line)s says the same. Each point is graded once."), {"line": line})
