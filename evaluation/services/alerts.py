"""Supervisors are written to when something critical was flagged. The mail holds nothing of what was said."""

from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from evaluation.flags import Kind, Severity
from evaluation.models import Evaluation

_FLAGGED = """A practice conversation was flagged: {kinds}.

Look at it here: {url}

The counselor does not see flags.
"""
_DISTRESS = """In a practice conversation something was said that may be {counselor}'s own distress, outside the part.

This is not about their performance. Please get in touch with them, then look at the conversation: {url}

They are not told of this mail.
"""


def alert_supervisors(evaluation_id: UUID) -> None:
    """Write to the supervisors of the organization. A mail that cannot be sent raises, and is tried again.

    Sent before it is noted: after a crash in between it comes twice, which is better than never.
    """
    evaluation = Evaluation.objects.select_related("session__counselor").get(pk=evaluation_id)
    critical = evaluation.flags.filter(severity=Severity.CRITICAL)
    kinds = {kind: str(Kind(kind).label) for kind in critical.values_list("kind", flat=True)}
    if evaluation.alerted_at or not kinds:
        return
    people = User.objects.filter(
        organization_id=evaluation.organization_id, role__in=[User.Role.SUPERVISOR, User.Role.ADMIN], is_active=True
    )
    addresses = sorted(people.values_list("email", flat=True))
    url = settings.WEB_ORIGINS[0] + reverse("session", args=[evaluation.session_id])
    is_distress = kinds.pop(Kind.COUNSELOR_DISTRESS, None) is not None
    for address in addresses:
        if is_distress:
            counselor = evaluation.session.counselor
            text = _DISTRESS.format(counselor=counselor, url=url)
            send_mail("A counselor may need support", text, None, [address])
        if kinds:
            text = _FLAGGED.format(kinds=", ".join(kinds.values()), url=url)
            send_mail("A practice conversation was flagged", text, None, [address])
    Evaluation.objects.filter(pk=evaluation.pk).update(alerted_at=timezone.now())
