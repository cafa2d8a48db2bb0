"""Error responses that the server sends without a view: in the API's error format, or as a plain page."""

import asyncio
import contextlib
from dataclasses import dataclass
from functools import cache

import orjson
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.web.error_bodies import error_body

# Browsers show a response only after they have sent the whole body. For browsers, read and discard up to this multiple
# of the limit, for up to this many seconds. Both are bounded, because any client can claim to be a browser.
DRAIN_FACTOR = 2
DRAIN_TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Refusal:
    """A response to a request that is refused outside the views."""

    status: int
    code: str
    title: str | Promise
    detail: str | Promise
    retry_after: int = 0  # seconds; 0 leaves the header out
    is_challenge: bool = False  # names the authentication scheme in WWW-Authenticate

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Cache-Control": "no-store"}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if self.is_challenge:
            headers["WWW-Authenticate"] = "Bearer"
        return headers

    @property
    def json(self) -> bytes:
        return orjson.dumps(error_body(str(self.detail), self.code))

    @property
    def page(self) -> bytes:
        return _render_page(self, get_language() or "")


@cache
def _render_page(refusal: Refusal, language: str) -> bytes:
    """Render each page once: during a flood, it is sent many times a second."""
    return render_to_string("refused.html", {"title": refusal.title, "detail": refusal.detail}).encode()


TOO_MANY_REQUESTS = Refusal(
    429,
    "too_many_requests",
    _("Too many requests at once"),
    _("Too many of your requests are in progress. Nothing was changed. Wait a moment, then try again."),
    retry_after=2,
)
SERVER_BUSY = Refusal(
    503,
    "server_busy",
    _("The server is busy"),
    _("The server is handling as many requests as it can. Nothing was changed. Try again in a moment."),
    retry_after=5,
)
DATABASE_UNAVAILABLE = Refusal(
    503,
    "database_unavailable",
    _("The database is unavailable"),
    _("The database isn’t responding right now. Everything you saved is safe. Try again in a moment."),
    retry_after=5,
)
SERVER_ERROR = Refusal(
    500,
    "server_error",
    _("Something went wrong on our side"),
    _("The error was logged for the people who run this service. Everything you saved is safe. Try again in a moment."),
)
BAD_REQUEST = Refusal(400, "bad_request", "", _("The request is malformed."))
FORBIDDEN = Refusal(403, "permission_denied", "", _("You don’t have permission to do this."))
NOT_FOUND = Refusal(404, "not_found", "", _("Not found."))
LENGTH_REQUIRED = Refusal(
    411,
    "length_required",
    _("The length is missing"),
    _("Send the body with a Content-Length header."),
)
BODY_TOO_SLOW = Refusal(
    408,
    "body_too_slow",
    _("Your upload took too long"),
    _("The request arrived too slowly and was canceled. Nothing was changed. Check your connection, then try again."),
)
NOT_AUTHENTICATED = Refusal(
    401,
    "not_authenticated",
    _("Log in first"),
    _("You need to log in before you send this much. Nothing was changed. Log in, then send it again."),
    is_challenge=True,
)
PERMISSION_DENIED = Refusal(
    403,
    "permission_denied",
    _("You can’t send this"),
    _("You don’t have permission to send this much here. Nothing was changed."),
)


def wants_page(scope: HTTPScope) -> bool:
    """Return True if the client is a browser that expects a page. The API responds in JSON even to browsers."""
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"") and not scope["path"].startswith("/api/")


async def send_refusal(scope: HTTPScope, send: ASGISendCallable, refusal: Refusal) -> None:
    """Send the refusal and close the connection, because the body may be unread."""
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
    if wants_page(scope):
        await send_response(send, refusal.status, b"text/html; charset=utf-8", refusal.page, headers)
    else:
        await send_response(send, refusal.status, b"application/json", refusal.json, headers)


async def send_response(
    send: ASGISendCallable, status: int, kind: bytes, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    own = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": own + (headers or []), "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def discard_body(receive: ASGIReceiveCallable, remaining: int, seconds: float = DRAIN_TIMEOUT) -> None:
    """Read and discard up to `remaining` bytes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while remaining > 0:
                event = await receive()
                if event["type"] != "http.request" or not event.get("more_body"):
                    return
                remaining -= len(event.get("body", b""))


def declared_length(scope: HTTPScope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0
