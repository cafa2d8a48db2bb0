"""The ASGI application of the stand-in."""

import asyncio

from .faults import ConnectionDroppedError
from .http.asgi_types import Receive, Scope, Send
from .http.routing import handle_http
from .realtime.websocket import handle_websocket
from .search.indexing import resume_indexing
from .settings import Settings
from .storage.json_folder import JsonFolder
from .storage.persistence import restore_state
from .storage.state import StandinState


class OpenAIStandin:
    def __init__(self, settings: Settings | None = None, folder: JsonFolder | None = None) -> None:
        self.state = StandinState(settings or Settings(), folder)
        restore_state(self.state)

    def start(self) -> None:
        """Resume interrupted indexing. Call this once, inside the event loop, before the first request."""
        resume_indexing(self.state)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handle = handle_websocket if scope["type"] == "websocket" else handle_http
        try:
            await handle(self.state, scope, receive, send)
        except ConnectionDroppedError:
            scope["standin.abort"]()
            # uvicorn has to see the lost connection before it checks whether a response was sent.
            await asyncio.sleep(0)
