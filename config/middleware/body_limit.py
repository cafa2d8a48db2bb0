"""ASGI middleware that limits the size of request bodies."""

from fnmatch import fnmatchcase
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from config.middleware.refusals import (
    DRAIN_FACTOR,
    DRAIN_TIMEOUT,
    LENGTH_REQUIRED,
    Refusal,
    declared_length,
    discard_body,
    send_refusal,
    send_response,
    wants_page,
)

# Allowance for the form fields sent with a file.
_FORM_OVERHEAD_BYTES = 1024**2


class BodyLimitMiddleware:
    """ASGI middleware that rejects request bodies over a limit or without a length before they reach Django.

    Django reads a whole body into memory or a temporary file before any view or login check runs. `limits` maps path
    prefixes to bytes. `default` applies to all other paths.
    """

    def __init__(self, app: Any, limits: dict[str, int], default: int, drain_timeout: float = DRAIN_TIMEOUT) -> None:
        self.app, self.limits, self.default, self.drain_timeout = app, limits, default, drain_timeout

    def limit_for(self, path: str) -> int:
        """Return the limit of the first prefix that matches the path. A `*` in a prefix stands for an id."""
        found = (limit for prefix, limit in self.limits.items() if fnmatchcase(path, f"{prefix}*"))
        return next(found, self.default)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if _has_no_length(scope):  # Django would treat such a body as empty
            return await send_refusal(scope, send, LENGTH_REQUIRED)
        limit = self.limit_for(scope["path"])
        declared = declared_length(scope)
        if declared > limit:
            remaining = declared if declared <= DRAIN_FACTOR * limit else 0
            return await self._reject(scope, receive, send, limit, remaining)
        received = 0
        has_responded, is_fully_received = False, False

        async def counting_receive() -> ASGIReceiveEvent:
            nonlocal received, is_fully_received
            event = await receive()
            is_fully_received = event["type"] != "http.request" or not event.get("more_body")
            if event["type"] == "http.request":
                received += len(event.get("body", b""))
            # On a disconnect, Django closes its temporary file. If reading raises an error, it does not.
            return event if received <= limit else {"type": "http.disconnect"}

        async def watching_send(event: Any) -> None:
            nonlocal has_responded
            has_responded = True
            await send(event)

        await self.app(scope, counting_receive, watching_send)
        if received > limit and not has_responded:
            await self._reject(scope, receive, send, limit, 0 if is_fully_received else (DRAIN_FACTOR - 1) * limit)

    async def _reject(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, limit: int, remaining: int
    ) -> None:
        """Respond with 413. For a browser, first discard up to `remaining` bytes that it may still be sending."""
        if wants_page(scope):
            await discard_body(receive, remaining, self.drain_timeout)
            body = render_to_string("413.html", {"limit": _format_size(limit)}).encode()
            await send_response(send, 413, b"text/html; charset=utf-8", body)
        else:
            detail = _("The request body is too large. The limit is %(limit)s bytes.") % {"limit": f"{limit:,}"}
            await send_refusal(scope, send, Refusal(413, "too_large", "", detail))


def _has_no_length(scope: HTTPScope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers and b"content-length" not in headers


def _format_size(limit: int) -> str:
    """Return the size of the largest file that fits. For a form, leave room for its other fields."""
    size = (limit - _FORM_OVERHEAD_BYTES if limit > _FORM_OVERHEAD_BYTES else limit) / 1024**2
    return _("%(size)s MB") % {"size": f"{size:.3g}"}
