"""Emails to counselors about new assignments and approaching due dates."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services.email_notifications import absolute_url, send_notification
from training.models import Assignment, AssignmentQuerySet

ASSIGNED_TEXT = """Something new to practise was assigned to you:

{lines}

You find it here: {url}
"""
DUE_SOON_TEXT = """This is due soon:

{lines}

You find it here: {url}
"""


def send_due_notifications() -> int:
    """Email counselors about assignments that are new or due soon. Return the number of emails.

    A counselor gets a single email for all that is new.
    """
    new = Assignment.objects.open().filter(announced_at=None)
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    due = Assignment.objects.due_by(soon).filter(reminded_at=None, announced_at__isnull=False)
    told = sum(_send_assigned(person, rows) for person, rows in _group_by_counselor(new))
    return told + sum(_send_due_soon(person, rows) for person, rows in _group_by_counselor(due))


def _group_by_counselor(rows: AssignmentQuerySet) -> list[tuple[User, list[Assignment]]]:
    found = rows.with_names().order_by("counselor", "due_date", "pk")[: settings.NOTICES_AT_ONCE]
    return [(person, list(theirs)) for person, theirs in groupby(found, key=lambda row: row.counselor)]


def _send_assigned(person: User, rows: Sequence[Assignment]) -> bool:
    subject = f"Assigned to you: {rows[0].scenario.title}" if len(rows) == 1 else f"{len(rows)} new assignments"
    if not send_notification(
        person, is_wanted=person.mail_assigned, subject=subject, text=_mail_body(ASSIGNED_TEXT, rows)
    ):
        return False
    # An assignment whose due date is in this email needs no reminder tomorrow.
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    now, told = timezone.now(), Assignment.objects.filter(pk__in=[row.pk for row in rows])
    told.filter(due_date__lte=soon).update(reminded_at=now)
    told.update(announced_at=now)
    return True


def _send_due_soon(person: User, rows: Sequence[Assignment]) -> bool:
    subject = f"Due soon: {rows[0].scenario.title}" if len(rows) == 1 else f"{len(rows)} assignments are due soon"
    if not send_notification(
        person, is_wanted=person.mail_due_soon, subject=subject, text=_mail_body(DUE_SOON_TEXT, rows)
    ):
        return False
    Assignment.objects.filter(pk__in=[row.pk for row in rows]).update(reminded_at=timezone.now())
    return True


def _mail_body(frame: str, rows: Sequence[Assignment]) -> str:
    lines = "\n".join(f"- {row.scenario.title}{_due_suffix(row)}" for row in rows)
    return frame.format(lines=lines, url=absolute_url(reverse("evaluation:dashboard")))


def _due_suffix(row: Assignment) -> str:
    return f", due {row.due_date:%B} {row.due_date.day}" if row.due_date else ""
