"""Supervisors are written to when something critical was flagged. The mail holds nothing of what was said."""

from uuid import UUID

from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services.notices import address
from evaluation.flags import Kind, Severity
from evaluation.models import Evaluation, Flag

_FLAGGED = """A practice conversation was flagged: {kinds}.

Look at it here: {url}

The counselor does not see flags.
"""
_DISTRESS = """In a practice conversation something was said that may be {counselor}'s own distress, outside the part.

This is not about their performance. Please get in touch with them, then look at the conversation: {url}

They are not told of this mail.
"""


_REPORTED = """A counselor reports a problem with a practice conversation: {kind}.

Read it here: {url}
"""


def alert_of_report(flag_id: int) -> None:
    """Write to the supervisors about a counselor's report. A mail that cannot be sent raises, and is tried again."""
    flag = Flag.objects.get(pk=flag_id)
    url = address(reverse("session", args=[flag.session_id]))
    text = _REPORTED.format(kind=flag.get_kind_display(), url=url)
    for mailbox in _addresses(flag.organization_id):
        send_mail("A counselor reports a problem", text, None, [mailbox])


def _addresses(organization_id: UUID) -> list[str]:
    responsible = [User.Role.SUPERVISOR, User.Role.ADMIN]
    people = User.objects.filter(organization_id=organization_id, role__in=responsible, is_active=True)
    return sorted(people.values_list("email", flat=True))


def alert_supervisors(evaluation_id: UUID) -> None:
    """Write to the supervisors of the organization. A mail that cannot be sent raises, and is tried again.

    Sent before it is noted: after a crash in between it comes twice, which is better than never.
    """
    evaluation = Evaluation.objects.select_related("session__counselor").get(pk=evaluation_id)
    critical = evaluation.flags.filter(severity=Severity.CRITICAL)
    kinds = {kind: str(Kind(kind).label) for kind in critical.values_list("kind", flat=True)}
    if evaluation.alerted_at or not kinds:
        return
    url = address(reverse("session", args=[evaluation.session_id]))
    is_distress = kinds.pop(Kind.COUNSELOR_DISTRESS, None) is not None
    for mailbox in _addresses(evaluation.organization_id):
        if is_distress:
            counselor = evaluation.session.counselor
            text = _DISTRESS.format(counselor=counselor, url=url)
            send_mail("A counselor may need support", text, None, [mailbox])
        if kinds:
            text = _FLAGGED.format(kinds=", ".join(kinds.values()), url=url)
            send_mail("A practice conversation was flagged", text, None, [mailbox])
    Evaluation.objects.filter(pk=evaluation.pk).update(alerted_at=timezone.now())
