"""HTTP client that sends one signed message to a public address and refuses internal ones."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

SEND_TIMEOUT = 10.0  # seconds
WEBHOOK_SECRET_PREFIX = "whsec_"


class WebhookNotSentError(Exception):
    """Failure to send a message or to get a response. The text gives the reason."""


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
    url: str, secret: str, message: WebhookMessage, *, may_be_private: bool, timeout: float = SEND_TIMEOUT
) -> int:
    """Send a message and return the HTTP status. Ignore redirects. Raise WebhookNotSentError without a response."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    host = parts.hostname or ""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Steadyline",
        "webhook-id": message.id,
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": sign_message(secret, message),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connect(host, port, is_tls, may_be_private, timeout)
        try:
            connection.request("POST", path, message.body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise WebhookNotSentError(f"{type(error).__name__}: {error}"[:200]) from error


def _connect(host: str, port: int, is_tls: bool, may_be_private: bool, timeout: float) -> http.client.HTTPConnection:
    """Connect to the same IP address that was checked: a second DNS lookup could return a different one.

    Raise WebhookNotSentError if the host is unknown or, unless `may_be_private`, not global.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise WebhookNotSentError((_("Unknown host %(host)s.") % {"host": host})[:200]) from error
    address = str(found[0][4][0])
    if not may_be_private and not ipaddress.ip_address(address.split("%")[0]).is_global:
        message = _("%(host)s has a private address. Webhooks are sent only to public addresses.")
        raise WebhookNotSentError((message % {"host": host})[:200])
    plain = socket.create_connection((address, port), timeout)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        context = ssl.create_default_context()
        connection.sock = context.wrap_socket(plain, server_hostname=host) if is_tls else plain
    except BaseException:
        plain.close()
        raise
    return connection
