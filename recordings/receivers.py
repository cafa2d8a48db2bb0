"""Signal receivers that queue the assembly of recordings, and count those that a change would delete."""

from datetime import timedelta
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from accounts.models import Account, Organization
from accounts.services.task_queue import queue_on_commit
from accounts.signals import retention_changing
from recordings import tasks
from recordings.models import Recording
from training.models import Session
from training.signals import session_ended


@receiver(session_ended)
def queue_finish_recording(session: Session, **kwargs: Any) -> None:
    """Queue the recording's assembly once the ending transaction commits.

    The gateway may have uploaded everything before the session ended. If not, sealing the epoch queues it again.
    """
    for pk in Recording.objects.filter(session=session).values_list("pk", flat=True):
        queue_on_commit(tasks.finish_recording, str(pk))


@receiver(retention_changing)
def count_recordings_at_risk(owner: Organization | Account, days: int | None, **kwargs: Any) -> int:
    """Return the number of recordings that are kept today and past the new retention."""
    if days is None and isinstance(owner, Account):
        days = owner.organization.recording_days
    if days is None:
        return 0
    now = timezone.now()
    older = Recording.objects.kept_by(owner).deletable().filter(session__ended_at__lt=now - timedelta(days=days))
    return older.exclude(pk__in=Recording.objects.past_retention(now)).count()
