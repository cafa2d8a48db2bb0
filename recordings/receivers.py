"""Signal receivers that queue the assembly of recordings."""

from typing import Any

from django.dispatch import receiver

from accounts.services.task_queue import queue_on_commit
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
