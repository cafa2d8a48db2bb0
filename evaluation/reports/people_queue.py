"""Queue of people who need a supervisor or a reviewer, each with the most urgent reason and one action."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from evaluation.models import Dispute, Evaluation, Flag
from evaluation.models.flag_kinds import FlagKind
from evaluation.reports.attention import PERSON_OF, AttentionGroup
from training.models import Assignment

SHOWN_PEOPLE = 6


@dataclass(frozen=True)
class Need:
    """Kind of a reason, as a chip."""

    label: Any
    tone: str = ""  # ending of the chip's class: danger, warn, caller, or none
    icon: str = ""


NEEDS = {
    "talk_to": Need(gettext_lazy("Check in"), "caller", "heart"),
    "red_lines": Need(gettext_lazy("Red line"), "danger", "triangle-alert"),
    "flags": Need(gettext_lazy("Flag"), "warn", "flag"),
    "disputes": Need(gettext_lazy("Disagrees"), "warn", "flag"),
    "waiting": Need(gettext_lazy("To review"), "warn", "eye"),
    "low_grades": Need(gettext_lazy("Grade F"), "warn", "arrow-down-right"),
    "overdue": Need(gettext_lazy("Overdue"), "warn", "clock"),
    "failed": Need(gettext_lazy("Below pass mark"), "warn", "arrow-down-right"),
    "declined": Need(gettext_lazy("Declined"), "", "minus"),
    "ungraded": Need(gettext_lazy("No grade"), "", "circle-alert"),
    "inactive": Need(gettext_lazy("Not practicing"), "", "clock"),
}


@dataclass(frozen=True)
class QueuedPerson:
    """One row of the queue."""

    person: User
    kind: str  # key of NEEDS
    reason: str  # continues the chip, such as “in “Two cups of coffee””
    action: str  # a verb, on the button
    url: str
    words: str = ""  # what the person wrote, or the words that were found
    others: int = 0  # further reasons that were found

    @property
    def need(self) -> Need:
        return NEEDS[self.kind]


def build_people_queue(groups: Mapping[str, AttentionGroup]) -> list[QueuedPerson]:
    """Return one row for each person in the groups, the most urgent first."""
    found: dict[Any, QueuedPerson] = {}
    for kind in PERSON_OF:
        group = groups.get(kind)
        for row in group.rows if group else ():
            queued = describe_item(kind, row)
            first = found.get(queued.person.pk)
            found[queued.person.pk] = replace(first, others=first.others + 1) if first else queued
    return list(found.values())[:SHOWN_PEOPLE]


def describe_item(kind: str, row: Any) -> QueuedPerson:
    """Return an item of `list_attention` as a row for the person whom it is about."""
    return _ROWS[kind](row)


def _of_stops(person: User) -> QueuedPerson:
    reason = _("stopped several conversations this month, which can mean a hard time")
    if person.has_mailbox:
        name = person.first_name or str(person)
        return QueuedPerson(
            person, "talk_to", reason, _("Write to %(name)s") % {"name": name}, f"mailto:{person.email}"
        )
    return QueuedPerson(person, "talk_to", reason, _("See progress"), _progress_url(person))


def _of_red_line(row: Evaluation) -> QueuedPerson:
    crossed = getattr(row, "crossed_red_lines", [])
    url = _session_url(row)
    others = [str(row.Concern(one).label) for one in row.needs_person if one != row.Concern.RED_LINE]
    if not crossed:
        reason = ". ".join([_in_title(row), *others])
        return QueuedPerson(row.session.counselor, "red_lines", reason, _("Review"), url)
    reason = _("“%(check)s” in “%(title)s”") % {"check": crossed[0].title, "title": row.session.title}
    reason = ". ".join([reason, *others])
    return QueuedPerson(row.session.counselor, "red_lines", reason, _("Review"), f"{url}#criterion-{crossed[0].pk}")


def _of_flag(row: Flag) -> QueuedPerson:
    reason = _("%(kind)s, in “%(title)s”") % {"kind": row.get_kind_display(), "title": row.session.title}
    kind = "talk_to" if row.kind == FlagKind.COUNSELOR_DISTRESS else "flags"
    return QueuedPerson(row.session.counselor, kind, reason, _("See the flag"), _session_url(row), row.quote)


def _of_dispute(row: Dispute) -> QueuedPerson:
    evaluation = row.criterion.evaluation
    values = {"check": row.criterion.title, "title": evaluation.session.title}
    reason = _("with the verdict on “%(check)s” in “%(title)s”") % values
    url = f"{_session_url(evaluation)}#criterion-{row.criterion_id}"
    return QueuedPerson(row.counselor, "disputes", reason, _("Decide"), url, row.reason)


def _of_waiting(row: Evaluation) -> QueuedPerson:
    reason = ". ".join([_in_title(row), *row.concerns])
    return QueuedPerson(row.session.counselor, "waiting", reason, _("Review"), _session_url(row))


def _of_low_grade(row: Evaluation) -> QueuedPerson:
    reason = _("%(score)s of 100 in “%(title)s”") % {"score": row.final_score, "title": row.session.title}
    return QueuedPerson(row.session.counselor, "low_grades", reason, _("See feedback"), _session_url(row))


def _of_overdue(row: Assignment) -> QueuedPerson:
    values = {"title": row.scenario.title, "day": date_format(row.due_date, "M j") if row.due_date else ""}
    reason = _("“%(title)s” was due %(day)s") % values
    return QueuedPerson(row.counselor, "overdue", reason, _("See assignment"), _assignment_url(row))


def _of_failed(row: Assignment) -> QueuedPerson:
    values = {"score": row.score, "mark": row.pass_mark, "title": row.scenario.title}
    reason = _("%(score)s in “%(title)s”, which needs %(mark)s") % values
    return QueuedPerson(row.counselor, "failed", reason, _("See attempts"), _assignment_url(row))


def _of_declined(row: Assignment) -> QueuedPerson:
    reason = _("“%(title)s”, which is always OK") % {"title": row.scenario.title}
    return QueuedPerson(row.counselor, "declined", reason, _("Assign another"), _assign_url(row.counselor))


def _of_ungraded(row: Evaluation) -> QueuedPerson:
    reason = f"{_in_title(row)}. {row.failure_text}".removesuffix(". ")
    return QueuedPerson(row.session.counselor, "ungraded", reason, _("See conversation"), _session_url(row))


def _of_inactive(person: User) -> QueuedPerson:
    reason = _("no practice in the last four weeks")
    return QueuedPerson(person, "inactive", reason, _("Assign practice"), _assign_url(person))


def _in_title(row: Evaluation) -> str:
    return _("in “%(title)s”") % {"title": row.session.title}


def _session_url(row: Evaluation | Flag) -> str:
    return reverse("evaluation:session", args=[row.session_id])


def _assignment_url(row: Assignment) -> str:
    return reverse("training:assignment_detail", args=[row.pk])


def _progress_url(person: User) -> str:
    return f"{reverse('evaluation:progress')}?{urlencode({'person': person.pk})}"


def _assign_url(person: User) -> str:
    return f"{reverse('training:assign')}?{urlencode({'counselors': person.pk})}"


_ROWS: dict[str, Callable[[Any], QueuedPerson]] = {
    "talk_to": _of_stops,
    "red_lines": _of_red_line,
    "flags": _of_flag,
    "disputes": _of_dispute,
    "waiting": _of_waiting,
    "low_grades": _of_low_grade,
    "overdue": _of_overdue,
    "failed": _of_failed,
    "declined": _of_declined,
    "ungraded": _of_ungraded,
    "inactive": _of_inactive,
}
