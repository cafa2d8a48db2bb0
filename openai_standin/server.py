"""uvicorn, set up so that a fault can cut a connection without a word."""

import asyncio
import socket
import sys
import threading
from typing import cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .app import Standin
from .asgi_types import Receive, Scope, Send
from .folder import Folder
from .settings import Settings

# A client may append 15 MiB of base64 in one event.
LARGEST_EVENT = 24 * 1024 * 1024


class CuttableHTTP(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = _cuttable(cast(Standin, self.app), transport)


class CuttableWebSocket(WebSocketsSansIOProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app = _cuttable(cast(Standin, self.app), cast(asyncio.Transport, transport))


def _cuttable(app: Standin, transport: asyncio.Transport) -> object:
    async def with_abort(scope: Scope, receive: Receive, send: Send) -> None:
        scope["standin.abort"] = transport.abort
        await app(scope, receive, send)

    return with_abort


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        cast(Standin, self.config.app).start()
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            print(f"openai_standin listening on http://{host}:{port}/v1", flush=True)


def serve(host: str, port: int, settings: Settings, folder: Folder | None, exit_with_stdin: bool) -> None:
    config = uvicorn.Config(
        Standin(settings, folder),
        http=CuttableHTTP,
        ws=CuttableWebSocket,
        ws_max_size=LARGEST_EVENT,
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    if exit_with_stdin:
        threading.Thread(target=_stop_at_end_of_stdin, args=(server,), daemon=True).start()
    with socket.create_server((host, port)) as listening:
        server.run(sockets=[listening])


def _stop_at_end_of_stdin(server: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    # Whoever started us is gone: nothing is worth finishing.
    server.force_exit = True
    server.should_exit = True
