"""Webhooks, and deliveries, which are recorded in the same transaction as their event."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import tasks
from accounts.integrations.public_addresses import is_private_literal
from accounts.integrations.webhook_sender import WEBHOOK_SECRET_PREFIX, url_port
from accounts.models import Delivery, User, Webhook, WebhookEvent
from accounts.services.task_queue import queue_on_commit


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
    if problem := _find_url_problem(url):
        errors["url"] = problem
    known = ", ".join(WebhookEvent.values)
    if unknown := [event for event in events if event not in WebhookEvent.values]:
        message = _("“%(event)s” is not an event. Choose from %(events)s.")
        errors["events"] = message % {"event": unknown[0], "events": known}
    elif not events:
        errors["events"] = _("Choose at least one event: %(events)s.") % {"events": known}
    if errors:
        raise ValidationError(errors)


def _find_url_problem(url: str) -> str:
    """Return what is wrong with a URL, or "". The address behind a name is checked whenever a message is sent."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", url_port(parts)
    except ValueError:
        host, port = "", 0
    if not host or parts.scheme not in {"http", "https"}:
        return _("Enter an https:// URL.")
    if settings.WEBHOOKS_TO_PRIVATE:
        return ""
    if parts.scheme != "https":
        return _("Enter an https:// URL.")
    if port not in settings.WEBHOOK_PORTS:
        listed = ", ".join(str(allowed) for allowed in settings.WEBHOOK_PORTS)
        return _("Webhooks can use only these ports: %(ports)s.") % {"ports": listed}
    if is_private_literal(host):
        return _("Webhooks are sent only to public addresses.")
    return ""


def queue_event(organization_id: UUID, event: str, data: Mapping[str, Any]) -> None:
    """Record a delivery for each subscribed webhook in the current transaction, and queue it on commit."""
    hooks = Webhook.objects.filter(organization_id=organization_id, is_active=True)
    for hook in hooks:
        if event in hook.events:
            row = Delivery.objects.create(
                organization_id=organization_id, webhook=hook, event=event, payload=dict(data)
            )
            # If the broker is down, no delivery is lost, because the sweep queues it again.
            queue_on_commit(tasks.deliver_webhook, str(row.pk))
