"""Signal receivers that tell the gateways about ended sessions and call checks."""

import logging
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import transaction
from django.dispatch import receiver

from training.models import Session
from training.signals import call_check_requested, session_ended
from voicegateway.process.pubsub import publish

logger = logging.getLogger(__name__)


@receiver(session_ended)
def publish_session_end(session: Session, **kwargs: Any) -> None:
    if session.is_phone and session.is_held:
        _publish_on_commit(session.pk)


@receiver(call_check_requested)
def publish_call_check(session_id: UUID, **kwargs: Any) -> None:
    _publish_on_commit(session_id)


def _publish_on_commit(session_id: UUID) -> None:
    """Tell the gateway that holds the call to check it, once the transaction commits.

    `robust=True` because a lost hint is harmless: the next heartbeat makes the same check.
    """
    transaction.on_commit(lambda: async_to_sync(publish)("call.look", session_id), robust=True)
