"""What outside systems are told: written down with what happened, then sent until it is taken."""

import base64
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Delivery, Event, User, Webhook
from accounts.tasks import deliver_webhook
from accounts.webhook_sender import SECRET_PREFIX, Message, NotSent, send

logger = logging.getLogger(__name__)

# Seconds after each failure until the next try; after the last it is given up.
WAITS = (10, 60, 300, 1800, 7200, 21_600, 86_400)
AT_ONCE = 200
KEPT_DAYS = 90


def add_webhook(by: User, url: str, events: Sequence[str]) -> Webhook:
    """A new address. Raises ValidationError with the fields that are wrong."""
    check_webhook(url, events)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    return Webhook.objects.create(
        organization=by.organization, url=url, events=sorted(set(events)), secret=secret, created_by=by
    )


def check_webhook(url: str, events: Sequence[str]) -> None:
    """Raises ValidationError with the fields that are wrong."""
    errors = {}
    parts = urlsplit(url)
    try:
        is_address = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or (parts.scheme != "https" and not settings.WEBHOOKS_TO_PRIVATE):
        errors["url"] = "An https:// address is wanted here."
    if unknown := [event for event in events if event not in Event.values]:
        errors["events"] = f"There is no event “{unknown[0]}”. There are {', '.join(Event.values)}."
    elif not events:
        errors["events"] = f"Name at least one of {', '.join(Event.values)}."
    if errors:
        raise ValidationError(errors)


def announce(organization_id: UUID, event: str, data: Mapping[str, Any]) -> None:
    """Write down that this is to be told, in the transaction in which it happens, and set it going afterwards."""
    hooks = Webhook.objects.filter(organization_id=organization_id, is_active=True)
    for hook in hooks:
        if event in hook.events:
            row = Delivery.objects.create(
                organization_id=organization_id, webhook=hook, event=event, payload=dict(data)
            )
            # Robust: a broker that is away loses nothing, the sweep finds it.
            transaction.on_commit(partial(deliver_webhook.delay, str(row.pk)), robust=True)


def deliver(delivery_id: UUID) -> bool:
    """Send it, if it is time. Whatever is no success is tried again later. Return whether it was taken."""
    now = timezone.now()
    # The conditional UPDATE is the lock; who dies with it is followed by the next after the longest sending.
    claimed = Delivery.objects.due(now).filter(pk=delivery_id)
    if not claimed.update(attempts=F("attempts") + 1, next_at=now + timedelta(seconds=60)):
        return False
    row = Delivery.objects.select_related("webhook").get(pk=delivery_id)
    message = Message(str(row.pk), int(now.timestamp()), _body(row))
    failure, status = "", None
    try:
        status = send(row.webhook.url, row.webhook.secret, message, may_be_private=settings.WEBHOOKS_TO_PRIVATE)
    except NotSent as not_sent:
        failure = str(not_sent)
    is_taken = status is not None and 200 <= status < 300
    if not is_taken:
        logger.warning("Webhook not taken: %s", status or "no answer", extra={"delivery_id": row.pk})
    Delivery.objects.filter(pk=row.pk, attempts=row.attempts).update(
        status=status,
        failure=failure or ("" if is_taken else f"answered {status}"),
        delivered_at=timezone.now() if is_taken else None,
        next_at=None if is_taken else _next_try(row.attempts),
    )
    return is_taken


def _body(row: Delivery) -> bytes:
    content = {"id": str(row.pk), "type": row.event, "created_at": row.created_at.isoformat(), "data": row.payload}
    return json.dumps(content, default=str).encode()


def _next_try(attempts: int) -> Any:
    return timezone.now() + timedelta(seconds=WAITS[attempts - 1]) if attempts <= len(WAITS) else None


def forget_old_deliveries() -> int:
    """What was delivered or given up is kept for KEPT_DAYS, for who asks what became of it. Return how many went."""
    settled = Delivery.objects.filter(next_at=None, created_at__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    return settled.delete()[0]


def sweep_deliveries() -> int:
    """Set going again what is due: a lost task, a second try. Return how many."""
    due = list(Delivery.objects.due(timezone.now()).values_list("pk", flat=True)[:AT_ONCE])
    for delivery_id in due:
        deliver_webhook.apply_async((str(delivery_id),), expires=settings.SWEEP_EVERY)
    return len(due)
