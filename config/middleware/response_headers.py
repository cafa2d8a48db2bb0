"""Outermost ASGI middleware, which gives every response an id and the policies for browsers."""

import logging
from collections.abc import Mapping
from typing import Any

from accounts.web.request_ids import HEADER, choose_request_id, current_request_id
from config.middleware.refusals import SERVER_ERROR, send_refusal

logger = logging.getLogger(__name__)
_STARTS = {"http.response.start", "websocket.http.response.start"}


class ResponseHeadersMiddleware:
    """ASGI middleware that adds headers to every response, also to those that no view has made.

    Headers that a response already has remain. An error that no other code has handled becomes a response 500.
    """

    def __init__(self, app: Any, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        request_id = choose_request_id(scope)
        has_started = False

        async def send_with_headers(event: Any) -> None:
            nonlocal has_started
            if event["type"] in _STARTS:
                has_started = True
                event = event | {"headers": self._complete(event["headers"], request_id)}
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

    def _complete(self, sent: Any, request_id: str) -> list[tuple[bytes, bytes]]:
        headers = [(bytes(name), bytes(value)) for name, value in sent]
        present = {name.lower() for name, _ in headers}
        own = [*self.headers, (HEADER.lower().encode(), request_id.encode())]
        return headers + [(name, value) for name, value in own if name not in present]
