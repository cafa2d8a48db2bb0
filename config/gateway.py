"""The voice gateway as a process: `python -m config.gateway`. It ends as calls need it to, which is not at once.

The first SIGTERM or SIGINT lets the calls under way come to their end, for DRAIN_FOR seconds at most; the second saves
them as they are, and each page takes its call up again with another gateway.
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

from voicegateway.protocol import CallProtocol

APPLICATION = "config.gateway_asgi:application"
# For the sockets; what a call needs to be saved has been waited for by then.
GOODBYE = 5  # seconds
# For pages to answer the closing of their sockets: one that is closed unanswered may lose the last message.
ANSWERED_WITHIN, LOOK_EVERY = 2.0, 0.02  # seconds
# Sound does not compress, pings find out that a line is dead, and nobody sends more than 64 KiB at once.
SOCKETS: dict[str, Any] = {
    "ws": CallProtocol,
    "ws_max_size": 64 * 1024,
    "ws_max_queue": 16,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "lifespan": "on",
    "loop": "uvloop",
    "access_log": False,
}


# Thousands of small objects a second come and go by themselves; looking for cycles among them so often finds none.
FRAMES_ARE_SHORT_LIVED = (20_000, 20, 20)


class GatewayServer(uvicorn.Server):
    """A server that drains: signals do not end it, the last call does."""

    def __init__(self, config: uvicorn.Config, drain_for: float) -> None:
        super().__init__(config)
        self.drain_for = drain_for
        self.ending: list[asyncio.Future[None]] = []
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.loop is None:  # not even started
            self.should_exit = True
        else:
            self.loop.call_soon_threadsafe(self._on_signal)

    def _on_signal(self) -> None:
        switchboard = import_from_string(APPLICATION).switchboard
        work = switchboard.put_down_all() if self.ending else switchboard.drain(self.drain_for)
        self.ending.append(asyncio.ensure_future(self._exit_after(work)))

    async def _exit_after(self, work: Awaitable[None]) -> None:
        await work
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN):
                await self._pages_have_answered()
        self.should_exit = True

    async def _pages_have_answered(self) -> None:
        while any(isinstance(one, CallProtocol) for one in self.server_state.connections):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    config = uvicorn.Config(
        APPLICATION, host=arguments.host, port=arguments.port, timeout_graceful_shutdown=GOODBYE, **SOCKETS
    )
    config.load()
    from django.conf import settings  # noqa: PLC0415  (loading the application has set Django up)

    # All that was loaded stays for good: there is no garbage in it to look for while calls are under way.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FRAMES_ARE_SHORT_LIVED)
    server = GatewayServer(config, settings.DRAIN_FOR)
    server.run()
    # Uploads under way are not waited for: an object store that does not answer would hold the exit up.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0 if server.started else 3)


if __name__ == "__main__":
    main()
