"""Emails to supervisors about crossed red lines, critical flags, and reports. They never quote the conversation."""

from collections.abc import Iterable
from uuid import UUID

from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.email_sender import absolute_url
from evaluation.grading.rubric import RED_LINE_MESSAGES
from evaluation.models import CriterionResult, Evaluation, Flag
from evaluation.models.flag_kinds import FlagKind, FlagSeverity
from training.models import Session


def _flagged_body(kinds: Iterable[str], url: str) -> str:
    listed = "\n".join(f"- {kind}" for kind in kinds)
    return _(
        """A practice conversation was flagged for review:

%(kinds)s

Open the conversation:
%(url)s

The counselor can't see flags.
"""
    ) % {"kinds": listed, "url": url}


def _crossed_body(lines: Iterable[str], url: str) -> str:
    listed = "\n".join(f"- {line}" for line in lines)
    return _(
        """A red line was crossed in a practice conversation:

%(lines)s

Read the conversation, and review the verdict:
%(url)s
"""
    ) % {"lines": listed, "url": url}


def _distress_body(counselor: User, url: str) -> str:
    return _(
        """%(counselor)s may be in distress. During a practice conversation, they said something that may have been
about themselves and not part of the exercise.

This is not about their performance. Please check in with them, and then read the conversation:
%(url)s

They aren't notified about this email.
"""
    ) % {"counselor": counselor, "url": url}


def _reported_body(kind: str, url: str) -> str:
    return _(
        """A counselor reported a problem with a practice conversation:

- %(kind)s

Read the report:
%(url)s
"""
    ) % {"kind": kind, "url": url}


def send_report_alert(flag_id: int) -> None:
    """Email the supervisors about a counselor's report. Raise if an email cannot be sent, so that the task retries."""
    flag = Flag.objects.get(pk=flag_id)
    url = absolute_url(reverse("evaluation:session", args=[flag.session_id]))
    text = _reported_body(flag.get_kind_display(), url)
    for mailbox in _supervisor_emails(flag.organization_id):
        send_mail(_("A counselor reported a problem"), text, None, [mailbox])


def _supervisor_emails(organization_id: UUID, counselor_id: UUID | None = None) -> list[str]:
    """Return the sorted addresses of the organization's active supervisors and administrators.

    Leave out the session's own counselor: no one gets alerts about themselves.
    """
    responsible = [User.Role.SUPERVISOR, User.Role.ADMIN]
    people = User.objects.filter(organization_id=organization_id, role__in=responsible, is_active=True)
    return sorted(people.exclude(pk=counselor_id).values_list("email", flat=True))


def send_alerts(evaluation_id: UUID) -> None:
    """Email the organization's supervisors about an evaluation's crossed red lines and critical flags, once.

    What an earlier version of the feedback already reported is not reported again.

    Raise if an email cannot be sent, so that the task retries. `alerted_at` is set after sending: a crash in between
    sends the email twice, which is better than never.
    """
    evaluation = Evaluation.objects.select_related("session__counselor").get(pk=evaluation_id)
    critical = Flag.objects.filter(severity=FlagSeverity.CRITICAL)
    red_lines = CriterionResult.objects.crossed_red_lines()
    found, lines = critical.filter(evaluation=evaluation), red_lines.filter(evaluation=evaluation)
    # A trial is private, so no one else could open it.
    if evaluation.alerted_at or not (found or lines) or evaluation.session.kind == Session.Kind.TRIAL:
        return
    told = evaluation.session.evaluations.filter(version__lt=evaluation.version, alerted_at__isnull=False)
    told_kinds = critical.filter(evaluation__in=told).values("kind")
    told_lines = red_lines.filter(evaluation__in=told).values("key")
    kinds = {flag.kind: str(FlagKind(flag.kind).label) for flag in found.exclude(kind__in=told_kinds)}
    crossed = [_(RED_LINE_MESSAGES.get(row.key, row.check_text)) for row in lines.exclude(key__in=told_lines)]
    url = absolute_url(reverse("evaluation:session", args=[evaluation.session_id]))
    is_distress = kinds.pop(FlagKind.COUNSELOR_DISTRESS, None) is not None
    for mailbox in _supervisor_emails(evaluation.organization_id, evaluation.session.counselor_id):
        if crossed:
            send_mail(_("A red line was crossed"), _crossed_body(crossed, url), None, [mailbox])
        if is_distress:
            text = _distress_body(evaluation.session.counselor, url)
            send_mail(_("A counselor may need support"), text, None, [mailbox])
        if kinds:
            text = _flagged_body(kinds.values(), url)
            send_mail(_("A practice conversation was flagged"), text, None, [mailbox])
    Evaluation.objects.filter(pk=evaluation.pk).update(alerted_at=timezone.now())
