"""Delivery of recorded events to webhooks. A delivery is retried until it is accepted or its retries are used up."""

import json
import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.integrations.webhook_sender import WebhookMessage, WebhookNotSentError, send_message
from accounts.models import Delivery
from accounts.services.leases import keep_claimed

logger = logging.getLogger(__name__)

# Seconds from each failed attempt to the next one. A delivery that fails after the last one is abandoned.
RETRY_DELAYS = (10, 60, 300, 1800, 7200, 21_600, 86_400)
RETENTION_DAYS = 90  # how long people can look up a delivery


def attempt_delivery(delivery_id: UUID) -> bool:
    """Send a delivery if it is due, and schedule a retry unless it succeeds. Return True if it was accepted (2xx)."""
    row = Delivery.objects.of_active_webhooks().claim(delivery_id, settings.TASK_LOST_AFTER)
    if row is None:
        return False
    with keep_claimed(row, settings.TASK_LOST_AFTER):
        return _deliver(row)


def _deliver(row: Delivery) -> bool:
    """Send a claimed delivery and record the outcome. Return True if it was accepted."""
    message = WebhookMessage(str(row.pk), int(timezone.now().timestamp()), _build_body(row))
    failure, status = "", None
    try:
        status = send_message(row.webhook.url, row.webhook.secret, message, may_be_private=settings.WEBHOOKS_TO_PRIVATE)
    except WebhookNotSentError as error:
        failure = str(error)
    is_accepted = status is not None and 200 <= status < 300
    if is_accepted:
        Delivery.objects.fenced(row).settle(status=status, failure="", delivered_at=timezone.now())
    else:
        logger.warning("Webhook not accepted: %s", status or "no response", extra={"delivery_id": row.pk})
        _retry_or_abandon(row, status, failure or _("HTTP status %(status)s") % {"status": status})
    return is_accepted


def _build_body(row: Delivery) -> bytes:
    content = {"id": str(row.pk), "type": row.event, "created_at": row.created_at.isoformat(), "data": row.payload}
    return json.dumps(content, default=str).encode()


def _retry_or_abandon(row: Delivery, status: int | None, failure: str) -> None:
    claimed = Delivery.objects.fenced(row)
    if row.attempts <= len(RETRY_DELAYS):
        claimed.put_back(RETRY_DELAYS[row.attempts - 1], status=status, failure=failure)
    else:
        claimed.settle(status=status, failure=failure)


def delete_old_deliveries() -> int:
    """Delete settled deliveries older than RETENTION_DAYS. Return the number of deleted rows."""
    before = timezone.now() - timedelta(days=RETENTION_DAYS)
    return Delivery.objects.filter(available_at=None, created_at__lt=before).delete()[0]
