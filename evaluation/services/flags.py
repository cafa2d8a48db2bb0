"""Counselors' problem reports and disputes, and supervisors' handling of flags."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.rate_limits import UsageKind, spend
from accounts.services.task_queue import queue_on_commit
from evaluation import tasks
from evaluation.models import CriterionResult, Dispute, Flag, FlagHandling
from evaluation.models.flag_kinds import SEVERITY_BY_KIND, FlagSeverity, FlagSource
from training.models import Session

MAX_REPORT_CHARACTERS = 1000


@transaction.atomic
def report_problem(session: Session, by: User, kind: str, text: str) -> Flag:
    """Flag a problem that a counselor reports, and alert the supervisors if it is critical.

    Raise PermissionDenied for another person's session and for a trial, which no one else can open. Raise
    RateLimitExceededError, and save nothing, above the rate limit.
    """
    if session.kind == Session.Kind.TRIAL:
        raise PermissionDenied(_("A trial is private, so no one could read the report. Tell a supervisor."))
    if session.counselor_id != by.pk:
        raise PermissionDenied(_("You can report problems only with your own conversations."))
    spend(UsageKind.REPORTS, by)
    flag = Flag.objects.create(
        organization_id=session.organization_id,
        session=session,
        kind=kind,
        severity=SEVERITY_BY_KIND[kind],
        source=FlagSource.COUNSELOR,
        note=text,
        reported_by=by,
    )
    if flag.severity == FlagSeverity.CRITICAL:
        queue_on_commit(tasks.alert_of_report, flag.pk)
    return flag


def handle_flag(flag: Flag, by: User, handling: str, note: str = "") -> None:
    """Record that a supervisor has reviewed, dismissed, or reopened a flag.

    Raise PermissionDenied without the permission to handle it. No one handles a flag on their own session.
    """
    visible = Flag.objects.for_user(by).filter(pk=flag.pk)
    if not by.has_perm("evaluation.change_flag") or not visible.exists():
        raise PermissionDenied(_("You don’t have permission to handle this flag."))
    is_open = handling == FlagHandling.PENDING
    flag.handling, flag.handled_note = handling, note
    flag.handled_by, flag.handled_at = (None, None) if is_open else (by, timezone.now())
    flag.save(update_fields=["handling", "handled_note", "handled_by", "handled_at"])


def dispute_verdict(criterion: CriterionResult, by: User, reason: str) -> Dispute:
    """Ask a person to recheck a verdict. A repeated request updates the reason of the same dispute while it is open.

    Raise PermissionDenied for feedback that is not on the user's own session or that they cannot see yet.
    """
    evaluation = criterion.evaluation
    if evaluation.session.counselor_id != by.pk or not evaluation.is_completed:
        raise PermissionDenied(_("You can dispute only verdicts in your own feedback."))
    found, is_new = Dispute.objects.get_or_create(
        criterion=criterion,
        defaults={"organization_id": criterion.organization_id, "counselor": by, "reason": reason},
    )
    if not is_new and found.answered_at is None:
        Dispute.objects.filter(pk=found.pk).update(reason=reason)
        found.reason = reason
    return found
