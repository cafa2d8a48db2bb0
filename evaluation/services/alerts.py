"""Emails to supervisors about crossed red lines, critical flags, and reports. They never quote the conversation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services.email_sender import absolute_url
from accounts.services.emails import Button, Email, send_email
from evaluation.grading.rubric import RED_LINE_MESSAGES
from evaluation.models import CriterionResult, Evaluation, Flag
from evaluation.models.flag_kinds import FlagKind, FlagSeverity
from training.models import Session


def _flagged_email(kinds: Iterable[str], url: str) -> Email:
    return Email(
        subject=_("A practice conversation was flagged"),
        paragraphs=(_("A practice conversation was flagged for review."),),
        items=tuple(kinds),
        button=Button(_("Open the conversation"), url),
        closing=(_("The counselor can’t see flags."),),
    )


def _crossed_email(lines: Iterable[str], url: str) -> Email:
    return Email(
        subject=_("A red line was crossed"),
        paragraphs=(_("A red line was crossed in a practice conversation. Read it, and review the verdict."),),
        items=tuple(lines),
        button=Button(_("Review the verdict"), url),
    )


def _distress_email(counselor: User, url: str) -> Email:
    said = _(
        "%(counselor)s may be in distress. During a practice conversation, they said something that may have been "
        "about themselves and not part of the exercise."
    )
    return Email(
        subject=_("A counselor may need support"),
        paragraphs=(
            said % {"counselor": counselor},
            _("This is not about their performance. Please check in with them first, and then read the conversation."),
        ),
        button=Button(_("Read the conversation"), url),
        closing=(_("They aren’t notified about this email."),),
    )


def _reported_email(kind: str, url: str) -> Email:
    return Email(
        subject=_("A counselor reported a problem"),
        paragraphs=(_("A counselor reported a problem with a practice conversation."),),
        items=(kind,),
        button=Button(_("Read the report"), url),
    )


def send_report_alert(flag_id: int) -> None:
    """Email the supervisors about a counselor's report. Raise if an email cannot be sent, so that the task retries."""
    flag = Flag.objects.select_related("organization").get(pk=flag_id)
    url = absolute_url(reverse("evaluation:session", args=[flag.session_id]))
    email = _reported_email(flag.get_kind_display(), url)
    _send_to_supervisors([email], flag.organization)


def _send_to_supervisors(emails: Sequence[Email], organization: Organization, counselor_id: UUID | None = None) -> None:
    reason = _("You get this email because you are responsible for counselors at %(center)s.")
    for mailbox in _supervisor_emails(organization.pk, counselor_id):
        for email in emails:
            told = replace(email, reason=reason % {"center": organization.name})
            send_email(told, mailbox, organization.name)


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
    evaluation = Evaluation.objects.select_related("organization", "session__counselor").get(pk=evaluation_id)
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
    emails = []
    if crossed:
        emails.append(_crossed_email(crossed, url))
    if is_distress:
        emails.append(_distress_email(evaluation.session.counselor, url))
    if kinds:
        emails.append(_flagged_email(kinds.values(), url))
    _send_to_supervisors(emails, evaluation.organization, evaluation.session.counselor_id)
    Evaluation.objects.filter(pk=evaluation.pk).update(alerted_at=timezone.now())
