"""HTTP client that sends one signed message to a public address and refuses internal ones."""

import base64
import hashlib
import hmac
import http.client
import logging
import ssl
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.integrations.public_addresses import is_public
from ai.deadlines import Deadline

logger = logging.getLogger(__name__)

WEBHOOK_SECRET_PREFIX = "whsec_"


class WebhookNotSentError(Exception):
    """Failure to send a message or to get a response. The text can be shown to the owner of the URL."""


@dataclass(frozen=True)
class WebhookMessage:
    """A message to be signed and sent."""

    id: str  # the same for every attempt at a delivery
    timestamp: int  # Unix time in seconds
    body: bytes


def sign_message(secret: str, message: WebhookMessage) -> str:
    """Return the Standard Webhooks signature: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET_PREFIX))
    signed = f"{message.id}.{message.timestamp}.".encode() + message.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send_message(
    url: str, secret: str, message: WebhookMessage, *, may_be_private: bool, timeout: float | None = None
) -> int:
    """Send a message and return the HTTP status. Raise WebhookNotSentError if there is no response.

    Redirects are not followed. The whole exchange ends within `timeout` seconds, WEBHOOK_TIMEOUT by default. The
    error's text is always the same, because the owner of the URL sees it, and details would reveal what listens in our
    network.
    """
    parts = urlsplit(url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Steadyline",
        "webhook-id": message.id,
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": sign_message(secret, message),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        deadline = Deadline(settings.WEBHOOK_TIMEOUT if timeout is None else timeout)
        return _exchange(parts, path, message.body, headers, deadline, may_be_private)
    except (OSError, http.client.HTTPException, ValueError) as error:
        logger.info("Webhook not sent: %s: %s", type(error).__name__, error, extra={"delivery_id": message.id})
        # At most 200 characters fit into the column.
        message_text = _(
            "No public address responded in time. Check the URL and its certificate, and make sure that the receiver "
            "responds right away with an HTTP status."
        )
        raise WebhookNotSentError(message_text[:200]) from error


def _exchange(
    parts: SplitResult, path: str, body: bytes, headers: dict[str, str], deadline: Deadline, may_be_private: bool
) -> int:
    """Send a request and return the status of its response."""
    is_tls = parts.scheme == "https"
    host, port = parts.hostname or "", url_port(parts)
    connection = http.client.HTTPConnection(host, port)
    # Connect to the addresses that were checked. A second DNS lookup could return different ones.
    connection.sock = plain = deadline.connect(_find_addresses(host, port, deadline, may_be_private), port)
    try:
        with deadline.enforce(lambda: connection.sock):
            if is_tls:
                connection.sock = _tls_context().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
                connection.sock.do_handshake()
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
    finally:
        plain.close()
        connection.close()


def _find_addresses(host: str, port: int, deadline: Deadline, may_be_private: bool) -> list[str]:
    """Return the addresses of a host. Raise OSError if one of them or the port is not allowed."""
    if may_be_private:
        return deadline.resolve(host, port)
    if port not in settings.WEBHOOK_PORTS:
        raise OSError(f"Port {port} is not in WEBHOOK_PORTS.")
    addresses = deadline.resolve(host, port)
    if refused := [address for address in addresses if not is_public(address)]:
        raise OSError(f"{host} has the address {refused[0]}, which is not public.")
    return addresses


def url_port(parts: SplitResult) -> int:
    """Return the port of a URL. Raise ValueError if it is not a number from 0 to 65535."""
    return parts.port or (443 if parts.scheme == "https" else 80)


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()
