"""Webhooks, and deliveries, which are recorded in the same transaction as their event."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import tasks
from accounts.integrations.webhook_sender import WEBHOOK_SECRET_PREFIX
from accounts.models import Delivery, User, Webhook, WebhookEvent


def add_webhook(by: User, url: str, events: Sequence[str]) -> Webhook:
    """Create a webhook with a new secret. Raise ValidationError, with an error for each invalid field."""
    check_webhook(url, events)
    secret = WEBHOOK_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    return Webhook.objects.create(
        organization=by.organization, url=url, events=sorted(set(events)), secret=secret, created_by=by
    )


def check_webhook(url: str, events: Sequence[str]) -> None:
    """Validate a URL and event names. Raise ValidationError, with an error for each invalid field."""
    errors = {}
    parts = urlsplit(url)
    try:
        is_valid_url = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid_url = False
    if not is_valid_url or (parts.scheme != "https" and not settings.WEBHOOKS_TO_PRIVATE):
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
