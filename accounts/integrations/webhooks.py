"""Webhook deliveries: recorded in the same transaction as their event, then sent until accepted."""

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
from django.utils.translation import gettext as _

from accounts import tasks
from accounts.integrations.webhook_sender import (
    WEBHOOK_SECRET_PREFIX,
    WebhookMessage,
    WebhookNotSentError,
    send_message,
)
from accounts.models import Delivery, User, Webhook, WebhookEvent

logger = logging.getLogger(__name__)

# Seconds from each failed attempt to the next one. A delivery that still fails after the last is given up.
RETRY_DELAYS = (10, 60, 300, 1800, 7200, 21_600, 86_400)
SWEEP_BATCH_SIZE = 200  # deliveries per sweep
RETENTION_DAYS = 90  # days for which people can look up a delivery


def add_webhook(by: User, url: str, events: Sequence[str]) -> Webhook:
    """Create a webhook with a new secret. Raise ValidationError with the invalid fields."""
    check_webhook(url, events)
    secret = WEBHOOK_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    return Webhook.objects.create(
        organization=by.organization, url=url, events=sorted(set(events)), secret=secret, created_by=by
    )


def check_webhook(url: str, events: Sequence[str]) -> None:
    """Raise ValidationError with the invalid fields."""
    errors = {}
    parts = urlsplit(url)
    try:
        is_address = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or (parts.scheme != "https" and not settings.WEBHOOKS_TO_PRIVATE):
        errors["url"] = _("Enter an https:// URL.")
    known = ", ".join(WebhookEvent.values)
    if unknown := [event for event in events if event not in WebhookEvent.values]:
        message = _("“%(event)s” is not an event. Choose from %(events)s.")
        errors["events"] = message % {"event": unknown[0], "events": known}
    elif not events:
        errors["events"] = _("Choose at least one event: %(events)s.") % {"events": known}
    if errors:
        raise ValidationError(errors)


def queue_event(organization_id: UUID, event: str, data: Mapping[str, Any]) -> None:
    """Record a delivery for each subscribed webhook in the current transaction, and queue it on commit."""
    hooks = Webhook.objects.filter(organization_id=organization_id, is_active=True)
    for hook in hooks:
        if event in hook.events:
            row = Delivery.objects.create(
                organization_id=organization_id, webhook=hook, event=event, payload=dict(data)
            )
            # `robust`: if the broker is down, no delivery is lost, because the sweep queues it again.
            transaction.on_commit(partial(tasks.deliver_webhook.delay, str(row.pk)), robust=True)


def attempt_delivery(delivery_id: UUID) -> bool:
    """Send a delivery if it is due, and schedule a retry unless it succeeds. Return True if it was accepted (2xx)."""
    now = timezone.now()
    # The conditional UPDATE is the lock. If this worker dies, the lock expires after 60 s, longer than any send.
    claimed = Delivery.objects.due(now).filter(pk=delivery_id)
    if not claimed.update(attempts=F("attempts") + 1, next_at=now + timedelta(seconds=60)):
        return False
    row = Delivery.objects.select_related("webhook").get(pk=delivery_id)
    message = WebhookMessage(str(row.pk), int(now.timestamp()), _build_body(row))
    failure, status = "", None
    try:
        status = send_message(row.webhook.url, row.webhook.secret, message, may_be_private=settings.WEBHOOKS_TO_PRIVATE)
    except WebhookNotSentError as not_sent:
        failure = str(not_sent)
    is_taken = status is not None and 200 <= status < 300
    if not is_taken:
        logger.warning("Webhook not accepted: %s", status or "no response", extra={"delivery_id": row.pk})
    Delivery.objects.filter(pk=row.pk, attempts=row.attempts).update(
        status=status,
        failure=failure or ("" if is_taken else _("HTTP status %(status)s") % {"status": status}),
        delivered_at=timezone.now() if is_taken else None,
        next_at=None if is_taken else _next_attempt_at(row.attempts),
    )
    return is_taken


def _build_body(row: Delivery) -> bytes:
    content = {"id": str(row.pk), "type": row.event, "created_at": row.created_at.isoformat(), "data": row.payload}
    return json.dumps(content, default=str).encode()


def _next_attempt_at(attempts: int) -> Any:
    """Return the time of the next attempt, or None if the delivery is given up."""
    return timezone.now() + timedelta(seconds=RETRY_DELAYS[attempts - 1]) if attempts <= len(RETRY_DELAYS) else None


def delete_old_deliveries() -> int:
    """Delete delivered and given-up deliveries older than RETENTION_DAYS. Return how many were deleted."""
    settled = Delivery.objects.filter(next_at=None, created_at__lt=timezone.now() - timedelta(days=RETENTION_DAYS))
    return settled.delete()[0]


def sweep_deliveries() -> int:
    """Queue deliveries that are due again, after a lost task or a failed attempt. Return how many."""
    due = list(Delivery.objects.due(timezone.now()).values_list("pk", flat=True)[:SWEEP_BATCH_SIZE])
    for delivery_id in due:
        tasks.deliver_webhook.apply_async((str(delivery_id),), expires=settings.SWEEP_EVERY)
    return len(due)
