"""Sends one signed message to an address outside, and to nowhere inside."""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 10.0  # seconds
SECRET_PREFIX = "whsec_"


class NotSent(Exception):
    """No answer came; the text says why, fit for people."""


@dataclass(frozen=True)
class Message:
    id: str
    timestamp: int  # seconds since 1970
    body: bytes


def signature(secret: str, message: Message) -> str:
    """As of Standard Webhooks: `v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message.id}.{message.timestamp}.".encode() + message.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(url: str, secret: str, message: Message, *, may_be_private: bool, timeout: float = TIMEOUT) -> int:
    """The status that the address answers with. Follows no redirect. Raises NotSent."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    host = parts.hostname or ""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Steadyline",
        "webhook-id": message.id,
        "webhook-timestamp": str(message.timestamp),
        "webhook-signature": signature(secret, message),
    }
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connected(host, port, is_tls, may_be_private, timeout)
        try:
            connection.request("POST", path, message.body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(f"{type(error).__name__}: {error}"[:200]) from error


def _connected(host: str, port: int, is_tls: bool, may_be_private: bool, timeout: float) -> http.client.HTTPConnection:
    """A connection to the very address that was looked at: a name that is asked twice may answer twice."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent(f"There is no host {host}."[:200]) from error
    address = str(found[0][4][0])
    if not may_be_private and not ipaddress.ip_address(address.split("%")[0]).is_global:
        raise NotSent(f"{host} is an address inside, where nothing is sent.")
    plain = socket.create_connection((address, port), timeout)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        context = ssl.create_default_context()
        connection.sock = context.wrap_socket(plain, server_hostname=host) if is_tls else plain
    except BaseException:
        plain.close()
        raise
    return connection
