from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services.notices import address, notify
from training.models import Assignment, AssignmentQuerySet

_ASSIGNED = """Something new to practise was assigned to you:

{lines}

You find it here: {url}
"""
_DUE_SOON = """This is due soon:

{lines}

You find it here: {url}
"""


def sweep_notices() -> int:
    """Write to counselors about what is new and what is due soon: one mail for all that is new. Return how many."""
    new = Assignment.objects.open().filter(announced_at=None)
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    due = Assignment.objects.due_by(soon).filter(reminded_at=None, announced_at__isnull=False)
    told = sum(_tell_assigned(person, rows) for person, rows in _by_counselor(new))
    return told + sum(_tell_due(person, rows) for person, rows in _by_counselor(due))


def _by_counselor(rows: AssignmentQuerySet) -> list[tuple[User, list[Assignment]]]:
    found = rows.with_people().order_by("counselor", "due_date", "pk")[: settings.NOTICES_AT_ONCE]
    return [(person, list(theirs)) for person, theirs in groupby(found, key=lambda row: row.counselor)]


def _tell_assigned(person: User, rows: Sequence[Assignment]) -> bool:
    subject = f"Assigned to you: {rows[0].scenario.title}" if len(rows) == 1 else f"{len(rows)} new assignments"
    if not notify(person, is_wanted=person.mail_assigned, subject=subject, text=_text(_ASSIGNED, rows)):
        return False
    # What is said to be due in a mail of today needs no second mail tomorrow.
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    now, told = timezone.now(), Assignment.objects.filter(pk__in=[row.pk for row in rows])
    told.filter(due_date__lte=soon).update(reminded_at=now)
    told.update(announced_at=now)
    return True


def _tell_due(person: User, rows: Sequence[Assignment]) -> bool:
    subject = f"Due soon: {rows[0].scenario.title}" if len(rows) == 1 else f"{len(rows)} assignments are due soon"
    if not notify(person, is_wanted=person.mail_due_soon, subject=subject, text=_text(_DUE_SOON, rows)):
        return False
    Assignment.objects.filter(pk__in=[row.pk for row in rows]).update(reminded_at=timezone.now())
    return True


def _text(frame: str, rows: Sequence[Assignment]) -> str:
    lines = "\n".join(f"- {row.scenario.title}{_due(row)}" for row in rows)
    return frame.format(lines=lines, url=address(reverse("dashboard")))


def _due(row: Assignment) -> str:
    return f", due {row.due_date:%B} {row.due_date.day}" if row.due_date else ""
