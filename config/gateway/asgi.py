"""ASGI application of the voice gateway, a separate server for the WebSockets of calls."""

import os
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)

from accounts.web.response_policies import response_headers  # noqa: E402  (after Django is set up)
from config.gateway.not_found import answer_not_found  # noqa: E402
from config.health import HealthEndpoints  # noqa: E402
from config.middleware.response_headers import ResponseHeadersMiddleware  # noqa: E402
from voicegateway.browser.consumers import CallConsumer  # noqa: E402
from voicegateway.browser.deny import deny_handshake  # noqa: E402
from voicegateway.process.call_registry import CallRegistry  # noqa: E402


class GatewayApplication:
    """Calls and health endpoints, which share a call registry for the lifetime of the server."""

    def __init__(self) -> None:
        self.call_registry = CallRegistry()
        calls = path("ws/calls/<uuid:pk>/", CallConsumer.as_asgi(call_registry=self.call_registry))
        health = HealthEndpoints(answer_not_found, self.call_registry.status, lambda: self.call_registry.is_draining)
        router = ProtocolTypeRouter({"http": health, "websocket": NotFoundFallback(URLRouter([calls]))})
        self.router = ResponseHeadersMiddleware(router, response_headers())

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


application = GatewayApplication()
