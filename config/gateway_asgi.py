"""The voice gateway: a server of its own for the sockets of calls."""

import os
from typing import Any

import orjson
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_asgi_application()

from voicegateway.consumers import CallConsumer  # noqa: E402  (after Django is set up)
from voicegateway.door import deny  # noqa: E402
from voicegateway.switchboard import Switchboard  # noqa: E402


class Gateway:
    """Calls on one side, health pages on the other; what they share begins and ends with the server."""

    def __init__(self) -> None:
        self.switchboard = Switchboard()
        calls = path("ws/calls/<uuid:pk>/", CallConsumer.as_asgi(switchboard=self.switchboard))
        self.router = ProtocolTypeRouter(
            {"http": HealthPages(self.switchboard), "websocket": OrNotFound(URLRouter([calls]))}
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self.router(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await self.switchboard.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.switchboard.stop()
        await send({"type": "lifespan.shutdown.complete"})


class OrNotFound:
    """A socket at an address that is no call's is refused, not an error in the log."""

    def __init__(self, router: URLRouter) -> None:
        self.router = router

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.router(scope, receive, send)
        except ValueError as error:
            if "No route found" not in str(error):
                raise
            await deny(scope, send, "not_found")


class HealthPages:
    """Django's own, with what only the gateway knows: whether it drains, and how much there is on it."""

    def __init__(self, switchboard: Switchboard) -> None:
        self.switchboard = switchboard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/health/":
            await _django(scope, receive, send)
        elif scope["path"] == "/ready/":
            await self._ready(scope, receive, send)
        else:
            message = b"This server answers calls. The pages are on the web server."
            await _answer(send, 404, b"text/plain", message)

    async def _ready(self, scope: Any, receive: Any, send: Any) -> None:
        if self.switchboard.is_draining:
            state = {"status": "draining"} | self.switchboard.report()
            await _answer(send, 503, b"application/json", orjson.dumps(state))
            return
        status, body = 500, b""

        async def collect(message: Any) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")

        await _django(scope, receive, collect)
        state = orjson.loads(body) | self.switchboard.report()
        await _answer(send, status, b"application/json", orjson.dumps(state))


async def _answer(send: Any, status: int, kind: bytes, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


application = Gateway()
