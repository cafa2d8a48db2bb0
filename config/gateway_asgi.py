"""The voice gateway: a server of its own for the sockets of calls."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_asgi_application()

from voicegateway.consumers import CallConsumer  # noqa: E402  (after Django is set up)
from voicegateway.door import deny  # noqa: E402
from voicegateway.switchboard import Switchboard  # noqa: E402

HEALTH_PAGES = {"/health/", "/ready/"}


class Gateway:
    """Calls on one side, health pages on the other; what they share begins and ends with the server."""

    def __init__(self) -> None:
        self.switchboard = Switchboard()
        calls = path("ws/calls/<uuid:pk>/", CallConsumer.as_asgi(switchboard=self.switchboard))
        self.router = ProtocolTypeRouter({"http": health_pages, "websocket": OrNotFound(URLRouter([calls]))})

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


async def health_pages(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] in HEALTH_PAGES:
        await _django(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This server answers calls. The pages are on the web server."})


application = Gateway()
