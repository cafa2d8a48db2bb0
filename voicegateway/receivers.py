import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import transaction
from django.dispatch import receiver

from training.models import Session
from training.signals import line_touched, session_ended
from voicegateway.hints import hint

logger = logging.getLogger(__name__)


@receiver(session_ended)
def tell_of_the_end(session: Session, **kwargs: Any) -> None:
    if session.is_phone and session.is_held:
        _tell(session.pk)


@receiver(line_touched)
def tell_of_a_change(session_id: UUID, **kwargs: Any) -> None:
    _tell(session_id)


def _tell(session_id: UUID) -> None:
    """Whichever gateway holds the call. Robust: when the hint is lost, the next heartbeat finds out."""
    transaction.on_commit(lambda: async_to_sync(hint)("call.look", session_id), robust=True)
