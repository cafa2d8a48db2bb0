"""Emails to supervisors about critical flags and problem reports. They quote nothing that was said."""

from uuid import UUID

from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services.email_notifications import absolute_url
from evaluation.models import Evaluation, Flag
from evaluation.models.flag_kinds import FlagKind, FlagSeverity

_FLAGGED_BODY = """A practice conversation was flagged: {kinds}.

Look at it here: {url}

The counselor does not see flags.
"""
_DISTRESS_BODY = """In a practice conversation something was said that may be {counselor}'s own distress, outside the
part.

This is not about their performance. Please get in touch with them, then look at the conversation: {url}

They are not told of this mail.
"""


_REPORTED_BODY = """A counselor reports a problem with a practice conversation: {kind}.

Read it here: {url}
"""


def send_report_alert(flag_id: int) -> None:
    """Email the supervisors about a counselor's report. Raise if an email cannot be sent, so that the task retries."""
    flag = Flag.objects.get(pk=flag_id)
    url = absolute_url(reverse("evaluation:session", args=[flag.session_id]))
    text = _REPORTED_BODY.format(kind=flag.get_kind_display(), url=url)
    for mailbox in _supervisor_emails(flag.organization_id):
        send_mail("A counselor reports a problem", text, None, [mailbox])


def _supervisor_emails(organization_id: UUID) -> list[str]:
    """Return the sorted addresses of the organization's active supervisors and administrators."""
    responsible = [User.Role.SUPERVISOR, User.Role.ADMIN]
    people = User.objects.filter(organization_id=organization_id, role__in=responsible, is_active=True)
    return sorted(people.values_list("email", flat=True))


def send_critical_flag_alerts(evaluation_id: UUID) -> None:
    """Email the organization's supervisors about an evaluation's critical flags, once.

    Raise if an email cannot be sent, so that the task retries. `alerted_at` is set after sending: a crash in between
    sends the email twice, which is better than never.
    """
    evaluation = Evaluation.objects.select_related("session__counselor").get(pk=evaluation_id)
    critical = evaluation.flags.filter(severity=FlagSeverity.CRITICAL)
    kinds = {kind: str(FlagKind(kind).label) for kind in critical.values_list("kind", flat=True)}
    if evaluation.alerted_at or not kinds:
        return
    url = absolute_url(reverse("evaluation:session", args=[evaluation.session_id]))
    is_distress = kinds.pop(FlagKind.COUNSELOR_DISTRESS, None) is not None
    for mailbox in _supervisor_emails(evaluation.organization_id):
        if is_distress:
            counselor = evaluation.session.counselor
            text = _DISTRESS_BODY.format(counselor=counselor, url=url)
            send_mail("A counselor may need support", text, None, [mailbox])
        if kinds:
            text = _FLAGGED_BODY.format(kinds=", ".join(kinds.values()), url=url)
            send_mail("A practice conversation was flagged", text, None, [mailbox])
    Evaluation.objects.filter(pk=evaluation.pk).update(alerted_at=timezone.now())
