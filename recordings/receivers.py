"""Signal receivers that queue the assembly of recordings."""

from typing import Any

from django.db import transaction
from django.dispatch import receiver

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
        transaction.on_commit(lambda pk=pk: tasks.finish_recording.delay(str(pk)), robust=True)  # type: ignore[misc]
