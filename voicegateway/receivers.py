import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.dispatch import receiver

from training.models import Session
from training.signals import session_ended
from voicegateway.groups import call_group

logger = logging.getLogger(__name__)


@receiver(session_ended)
def tell_the_gateway(session: Session, **kwargs: Any) -> None:
    """A hint to whichever gateway holds the call. When it is lost, the next heartbeat finds out."""
    if session.is_phone and session.is_held:
        transaction.on_commit(lambda: _hint(session), robust=True)


def _hint(session: Session) -> None:
    layer = get_channel_layer()
    if layer is not None:
        async_to_sync(layer.group_send)(call_group(session.pk), {"type": "session.over"})
