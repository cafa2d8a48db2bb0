"""The ASGI application."""

import asyncio

from .asgi_types import Receive, Scope, Send
from .faults import Dropped
from .folder import Folder
from .indexing import resume_indexing
from .kept import restore
from .realtime.door import handle_websocket
from .routing import handle_http
from .settings import Settings
from .state import State


class Standin:
    def __init__(self, settings: Settings | None = None, folder: Folder | None = None) -> None:
        self.state = State(settings or Settings(), folder)
        restore(self.state)

    def start(self) -> None:
        """To be called once, in the event loop, before the first request."""
        resume_indexing(self.state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handle = handle_websocket if scope["type"] == "websocket" else handle_http
        try:
            await handle(self.state, scope, receive, send)
        except Dropped:
            scope["standin.abort"]()
            # The server must see the lost connection before it looks for the answer that never came.
            await asyncio.sleep(0)
