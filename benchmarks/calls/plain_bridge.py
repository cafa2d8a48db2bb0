"""Second baseline for the gateway, a plain ASGI bridge that records in memory: `… plain_bridge UPSTREAM`.

It is the obvious first version: uvicorn, one task per direction, and both voices appended to an array. It has no
transcript and no barge-in, and its audio is lost when the process ends.
"""

import asyncio
import sys
from base64 import b64decode, b64encode
from typing import Any

import orjson
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.calls.simulated_pages import HEADER


class PlainBridge:
    """ASGI application that bridges each WebSocket to one connection to the model."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        async with connect(self.upstream, compression=None, max_size=None, proxy=None) as model:
            microphone, caller = bytearray(), bytearray()
            work = (self._send_up(receive, model, microphone), self._send_down(send, model, caller))
            tasks = [asyncio.create_task(one) for one in work]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()

    async def _send_up(self, receive: Any, model: ClientConnection, recording: bytearray) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("bytes") is not None:
                pcm = message["bytes"][8:]
                recording.extend(pcm)
                event = b'{"type":"input_audio_buffer.append","audio":"' + b64encode(pcm) + b'"}'
                await model.send(event, text=True)

    async def _send_down(self, send: Any, model: ClientConnection, recording: bytearray) -> None:
        index = 0
        while True:
            pcm = b64decode(orjson.loads(await model.recv(decode=False))["delta"])
            recording.extend(pcm)
            await send({"type": "websocket.send", "bytes": HEADER.pack(1, 0, 1, index & 0xFFFFFFFF) + pcm})
            index += len(pcm) // 2


class PortPrintingServer(uvicorn.Server):
    """Server that prints its port once it listens."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets=sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def main(upstream: str) -> None:
    config = uvicorn.Config(
        PlainBridge(upstream),
        port=0,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_level="error",
    )
    PortPrintingServer(config).run()


if __name__ == "__main__":
    main(sys.argv[1])
