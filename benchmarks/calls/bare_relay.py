"""Baseline for the gateway, a relay that only converts messages: `python -m benchmarks.calls.bare_relay UPSTREAM`."""

import asyncio
import sys
from base64 import b64decode, b64encode

import orjson
import uvloop
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.calls.simulated_pages import HEADER


async def relay_call(browser: ServerConnection, upstream: str) -> None:
    async with connect(upstream, compression=None, max_size=None, proxy=None) as model:

        async def up() -> None:
            async for frame in browser:
                event = b'{"type":"input_audio_buffer.append","audio":"' + b64encode(frame[8:]) + b'"}'  # type: ignore[arg-type]
                await model.send(event, text=True)

        async def down() -> None:
            index = 0
            while True:
                event = orjson.loads(await model.recv(decode=False))
                pcm = b64decode(event["delta"])
                await browser.send(HEADER.pack(1, 0, 1, index & 0xFFFFFFFF) + pcm)
                index += len(pcm) // 2

        tasks = [asyncio.create_task(up()), asyncio.create_task(down())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


async def main(upstream: str) -> None:
    async with serve(lambda browser: relay_call(browser, upstream), "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
