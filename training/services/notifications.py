"""Emails to counselors about new assignments and approaching due dates."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organization, User
from accounts.services.email_sender import absolute_url, send_notification, until_time_is_up
from accounts.services.emails import Button, Email
from accounts.services.time_zones import organization_time
from training.models import Assignment, AssignmentQuerySet


def send_due_notifications() -> int:
    """Email counselors about assignments that are new or due soon. Return the number of emails.

    A counselor gets one email about all new assignments.
    """
    # No time zone is a full day ahead of UTC, so one more day covers every organization.
    latest = timezone.now().date() + timedelta(days=settings.DUE_SOON_DAYS + 1)
    waiting = Q(announced_at=None) | Q(reminded_at=None, due_date__lte=latest)
    ids = Assignment.objects.open().filter(waiting).order_by().values("organization").distinct()
    sent = 0
    for organization in Organization.objects.filter(pk__in=ids):
        with organization_time(organization):
            sent += _send_for_organization(organization)
    return sent


def _send_for_organization(organization: Organization) -> int:
    """Email one organization's counselors, by today's date in its time zone."""
    rows = Assignment.objects.filter(organization=organization)
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    due = rows.due_by(soon).filter(reminded_at=None, announced_at__isnull=False)
    new = rows.open().filter(announced_at=None)
    sent = sum(_send_assigned(person, found) for person, found in until_time_is_up(_group_by_counselor(new)))
    return sent + sum(_send_due_soon(person, found) for person, found in until_time_is_up(_group_by_counselor(due)))


def _group_by_counselor(rows: AssignmentQuerySet) -> list[tuple[User, list[Assignment]]]:
    found = rows.with_names().order_by("counselor", "due_date", "pk")[: settings.NOTICES_AT_ONCE]
    return [(person, list(theirs)) for person, theirs in groupby(found, key=lambda row: row.counselor)]


def _send_assigned(person: User, rows: Sequence[Assignment]) -> bool:
    if len(rows) == 1:
        subject = _("New assignment: %(title)s")
    else:
        subject = ngettext("%(count)s new assignment", "%(count)s new assignments", len(rows))
    text = ngettext("You have a new assignment.", "You have new assignments.", len(rows))
    if not _send(person, rows, subject, text, is_wanted=person.mail_assigned):
        return False
    # An assignment whose due date is in this email needs no reminder tomorrow.
    soon = timezone.localdate() + timedelta(days=settings.DUE_SOON_DAYS)
    now, announced = timezone.now(), Assignment.objects.filter(pk__in=[row.pk for row in rows])
    announced.filter(due_date__lte=soon).update(reminded_at=now)
    announced.update(announced_at=now)
    return True


def _send_due_soon(person: User, rows: Sequence[Assignment]) -> bool:
    if len(rows) == 1:
        subject = _("Due soon: %(title)s")
    else:
        subject = ngettext("%(count)s assignment is due soon", "%(count)s assignments are due soon", len(rows))
    text = ngettext("This assignment is due soon.", "These assignments are due soon.", len(rows))
    if not _send(person, rows, subject, text, is_wanted=person.mail_due_soon):
        return False
    Assignment.objects.filter(pk__in=[row.pk for row in rows]).update(reminded_at=timezone.now())
    return True


def _send(person: User, rows: Sequence[Assignment], subject: str, text: str, *, is_wanted: bool) -> bool:
    """Fill in the subject and send the email. Return False if the next sweep must retry."""
    email = Email(
        subject=subject % {"title": rows[0].scenario.title, "count": len(rows)},
        paragraphs=(text,),
        items=tuple(_list_entry(row) for row in rows),
        button=Button(_("Start practice"), absolute_url(reverse("evaluation:dashboard"))),
    )
    return send_notification(person, email, is_wanted=is_wanted)


def _list_entry(row: Assignment) -> str:
    if not row.due_date:
        return row.scenario.title
    return _("%(title)s, due %(date)s") % {"title": row.scenario.title, "date": date_format(row.due_date, "F j")}
