"""uvicorn, configured so that a fault can abort a connection."""

import asyncio
import socket
import sys
import threading
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ..app import OpenAIStandin
from ..settings import Settings
from ..storage.json_folder import JsonFolder
from .asgi_types import Receive, Scope, Send

# A client may append 15 MiB of base64 in one event.
MAX_EVENT_BYTES = 24 * 1024 * 1024


class AbortableHTTPProtocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _add_abort(cast(OpenAIStandin, self.app), transport)


class AbortableWebSocketProtocol(WebSocketsSansIOProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app = _add_abort(cast(OpenAIStandin, self.app), cast(asyncio.Transport, transport))


def _add_abort(app: OpenAIStandin, transport: asyncio.Transport) -> object:
    async def with_abort(scope: Scope, receive: Receive, send: Send) -> None:
        scope["standin.abort"] = transport.abort
        await app(scope, receive, send)

    return with_abort


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        cast(OpenAIStandin, self.config.app).start()
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            print(f"standins.openai listening on http://{host}:{port}/v1", flush=True)


def serve(host: str, port: int, settings: Settings, folder: JsonFolder | None, exit_with_stdin: bool) -> None:
    config = uvicorn.Config(
        OpenAIStandin(settings, folder),
        http=AbortableHTTPProtocol,
        ws=AbortableWebSocketProtocol,
        ws_max_size=MAX_EVENT_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    if exit_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, args=(server,), daemon=True).start()
    with socket.create_server((host, port)) as listener:
        server.run(sockets=[listener])


def _stop_at_end_of_stdin(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    # The parent process is gone, so no client waits for open requests.
    server.force_exit = True
    server.should_exit = True
