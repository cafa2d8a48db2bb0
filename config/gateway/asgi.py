"""ASGI application of the voice gateway, a separate server for the WebSockets of calls."""

import os
from typing import Any

import orjson
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_asgi_application()

from voicegateway.browser.consumers import CallConsumer  # noqa: E402  (after Django is set up)
from voicegateway.browser.deny import deny_handshake  # noqa: E402
from voicegateway.process.call_registry import CallRegistry  # noqa: E402


class GatewayApplication:
    """Calls and health endpoints, which share a call registry for the lifetime of the server."""

    def __init__(self) -> None:
        self.call_registry = CallRegistry()
        calls = path("ws/calls/<uuid:pk>/", CallConsumer.as_asgi(call_registry=self.call_registry))
        self.router = ProtocolTypeRouter(
            {"http": HealthEndpoints(self.call_registry), "websocket": NotFoundFallback(URLRouter([calls]))}
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._handle_lifespan(receive, send)
        else:
            await self.router(scope, receive, send)

    async def _handle_lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self.call_registry.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.call_registry.stop()
        await send({"type": "lifespan.shutdown.complete"})


class NotFoundFallback:
    """Fallback that denies WebSockets at unknown addresses without logging an error."""

    def __init__(self, router: URLRouter) -> None:
        self.router = router

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.router(scope, receive, send)
        except ValueError as error:
            if "No route found" not in str(error):
                raise
            await deny_handshake(scope, send, "not_found")


class HealthEndpoints:
    """Django's health endpoints, extended with the gateway's drain state and load."""

    def __init__(self, call_registry: CallRegistry) -> None:
        self.call_registry = call_registry

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/health/":
            await _django(scope, receive, send)
        elif scope["path"] == "/ready/":
            await self._ready(scope, receive, send)
        else:
            message = b"This server answers calls. The pages are on the web server."
            await _send_response(send, 404, b"text/plain", message)

    async def _ready(self, scope: Any, receive: Any, send: Any) -> None:
        if self.call_registry.is_draining:
            state = {"status": "draining"} | self.call_registry.status()
            await _send_response(send, 503, b"application/json", orjson.dumps(state))
            return
        status, body = 500, b""

        async def collect(message: Any) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")

        await _django(scope, receive, collect)
        state = orjson.loads(body) | self.call_registry.status()
        await _send_response(send, status, b"application/json", orjson.dumps(state))


async def _send_response(send: Any, status: int, kind: bytes, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


application = GatewayApplication()
