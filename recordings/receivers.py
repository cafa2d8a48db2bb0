from typing import Any

from django.db import transaction
from django.dispatch import receiver

from recordings import tasks
from recordings.models import Recording
from training.models import Session
from training.signals import session_ended


@receiver(session_ended)
def finish_its_recording(session: Session, **kwargs: Any) -> None:
    """The gateway may have shipped all of it before the session ended. If not, it says so when it has."""
    for pk in Recording.objects.filter(session=session).values_list("pk", flat=True):
        transaction.on_commit(lambda pk=pk: tasks.finish_recording.delay(str(pk)), robust=True)  # type: ignore[misc]
