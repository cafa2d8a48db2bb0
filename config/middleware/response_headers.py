"""Outermost ASGI middleware, which gives every response an id and the policies for browsers."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from accounts.web.request_ids import HEADER, choose_request_id, current_request_id
from config.middleware.refusals import SERVER_ERROR, send_refusal

logger = logging.getLogger(__name__)
_VARY = b"vary"  # the only one of these headers that is appended to an existing value
_STARTS = {"http.response.start", "websocket.http.response.start"}


class ResponseHeadersMiddleware:
    """ASGI middleware that adds headers to every response, including those that no view creates.

    Headers that a response already has remain. `headers_for` returns more headers for an HTTP request. An unhandled
    error becomes a 500 response.
    """

    def __init__(
        self, app: Any, headers: Mapping[str, str], headers_for: Callable[[Any], Mapping[str, str]] | None = None
    ) -> None:
        self.app, self.headers_for = app, headers_for
        self.headers = _encode_headers(headers)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        request_id = choose_request_id(scope)
        has_started = False

        async def send_with_headers(event: Any) -> None:
            nonlocal has_started
            if event["type"] in _STARTS:
                has_started = True
                event = event | {"headers": self._complete(event["headers"], scope, request_id)}
            await send(event)

        token = current_request_id.set(request_id)
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            if scope["type"] != "http" or has_started:
                raise
            logger.exception("No code handled this error")
            await send_refusal(scope, send_with_headers, SERVER_ERROR)
        finally:
            current_request_id.reset(token)

    def _complete(self, sent: Any, scope: Any, request_id: str) -> list[tuple[bytes, bytes]]:
        own = self.headers | _encode_headers({HEADER: request_id})
        if self.headers_for and scope["type"] == "http":
            own |= _encode_headers(self.headers_for(scope))
        headers = [(bytes(name), bytes(value)) for name, value in sent]
        present = {name.lower() for name, _ in headers}
        if _VARY in present and _VARY in own:
            headers = [
                (name, b"%b, %b" % (value, own[_VARY]) if name.lower() == _VARY else value) for name, value in headers
            ]
        return headers + [(name, value) for name, value in own.items() if name not in present]


def _encode_headers(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode("latin-1") for name, value in headers.items()}
