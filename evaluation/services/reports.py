"""What counselors say to a grade: that something is wrong with it, or that they see one verdict otherwise."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.limits import TooOften
from accounts.models import User
from evaluation.flags import SEVERITIES, Severity, Source
from evaluation.models import CriterionResult, Dispute, Flag, Handling
from evaluation.tasks import alert_of_report
from training.models import Session

MOST_AN_HOUR = 10
LONGEST = 1000  # characters


@transaction.atomic
def report(session: Session, by: User, kind: str, text: str) -> Flag:
    """A counselor's report of a problem, for supervisors. Raises TooOften."""
    # The lock counts two that are sent at once one after the other (SQLite's IMMEDIATE does the same).
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    hour_ago = timezone.now() - timedelta(hours=1)
    lately = Flag.objects.filter(reported_by=by, created_at__gt=hour_ago).order_by("created_at")
    if len(lately) >= MOST_AN_HOUR:
        wait = 1 + int((lately[0].created_at - hour_ago).total_seconds())
        raise TooOften(f"You have sent {MOST_AN_HOUR} reports within an hour. Please wait before the next one.", wait)
    flag = Flag.objects.create(
        organization_id=session.organization_id,
        session=session,
        kind=kind,
        severity=SEVERITIES[kind],
        source=Source.COUNSELOR,
        note=text,
        reported_by=by,
    )
    if flag.severity == Severity.CRITICAL:
        transaction.on_commit(lambda: alert_of_report.delay(flag.pk), robust=True)
    return flag


def handle(flag: Flag, by: User, handling: str, note: str = "") -> None:
    """A supervisor has looked into it, or dismissed it, or opens it again."""
    is_open = handling == Handling.PENDING
    flag.handling, flag.handled_note = handling, note
    flag.handled_by, flag.handled_at = (None, None) if is_open else (by, timezone.now())
    flag.save(update_fields=["handling", "handled_note", "handled_by", "handled_at"])


def dispute(criterion: CriterionResult, by: User, reason: str) -> Dispute:
    """Ask a person to look at a verdict. Asked again it is the same dispute, with the newer reason while it is open."""
    found, is_new = Dispute.objects.get_or_create(
        criterion=criterion,
        defaults={"organization_id": criterion.organization_id, "counselor": by, "reason": reason},
    )
    if not is_new and found.answered_at is None:
        Dispute.objects.filter(pk=found.pk).update(reason=reason)
        found.reason = reason
    return found
