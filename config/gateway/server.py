"""Server process of the voice gateway, `python -m config.gateway`, which drains calls before it exits.

On the first SIGTERM or SIGINT, calls in progress may go on for up to DRAIN_FOR seconds. On the second one, they are
saved as they are, and each page resumes its call with another gateway.
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable
from contextlib import suppress
from socket import socket
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.importer import import_from_string

from voicegateway.browser.http_protocol import GatewayHTTPProtocol
from voicegateway.browser.uvicorn_protocol import CallWebSocketProtocol

APPLICATION = "config.gateway.asgi:application"
# Time to close WebSockets. Everything that a call must save has been saved by then.
CLOSE_TIMEOUT = 5  # seconds
# Time for pages to acknowledge that their WebSocket is closing. Otherwise, the last message may be lost.
CLOSE_ANSWER_TIMEOUT, POLL_INTERVAL = 2.0, 0.02  # seconds
# Audio does not compress, pings detect dead connections, and no client sends more than 64 KiB at once.
WEBSOCKET_OPTIONS: dict[str, Any] = {
    "http": GatewayHTTPProtocol,
    "ws": CallWebSocketProtocol,
    "ws_max_size": 64 * 1024,
    "ws_max_queue": 16,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "lifespan": "on",
    "loop": "uvloop",
    "access_log": False,
}


# Thousands of short-lived objects per second are freed by reference counting; frequent cycle collection finds nothing.
GC_THRESHOLDS = (20_000, 20, 20)
# Threads upload and write to disk alongside the event loop. With Python's default of 5 ms, each could delay it by that
# long, many times a second.
SWITCH_INTERVAL = 0.0005  # seconds


class GatewayServer(uvicorn.Server):
    """A server that drains: it stops after its last call ends, not on the first signal."""

    def __init__(self, config: uvicorn.Config, drain_for: float) -> None:
        super().__init__(config)
        self.drain_for = drain_for
        self.shutdown_tasks: list[asyncio.Future[None]] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.loop is None:  # not started yet
            self.should_exit = True
        else:
            self.loop.call_soon_threadsafe(self._on_signal)

    def _on_signal(self) -> None:
        registry = import_from_string(APPLICATION).call_registry
        work = registry.release_all() if self.shutdown_tasks else registry.drain(self.drain_for)
        self.shutdown_tasks.append(asyncio.ensure_future(self._exit_when_done(work)))

    async def _exit_when_done(self, work: Awaitable[None]) -> None:
        await work
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_ANSWER_TIMEOUT):
                await self._wait_for_closed_sockets()
        self.should_exit = True

    async def _wait_for_closed_sockets(self) -> None:
        # uvicorn offers no event for closed connections.
        while any(isinstance(protocol, CallWebSocketProtocol) for protocol in self.server_state.connections):  # noqa: ASYNC110
            await asyncio.sleep(POLL_INTERVAL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    config = uvicorn.Config(
        APPLICATION,
        host=arguments.host,
        port=arguments.port,
        timeout_graceful_shutdown=CLOSE_TIMEOUT,
        **WEBSOCKET_OPTIONS,
    )
    config.load()
    from django.conf import settings  # noqa: PLC0415  (loading the application has set up Django)

    # Everything loaded so far stays in memory, so exclude it from garbage collection during calls.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL)
    server = GatewayServer(config, settings.DRAIN_FOR)
    server.run()
    # Do not wait for uploads in progress: an unresponsive object store would delay the exit.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0 if server.started else 3)
