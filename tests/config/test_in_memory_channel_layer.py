import asyncio
import threading

from config.in_memory_channel_layer import ThreadSafeInMemoryChannelLayer

TIMEOUT = 60  # seconds


class BackgroundLoop:
    """Event loop in its own thread, like the gateway's loop next to the web server's."""

    def __enter__(self) -> "BackgroundLoop":
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(TIMEOUT)
        self.loop.close()


async def wait_until_receiving(layer: ThreadSafeInMemoryChannelLayer, channel: str) -> None:
    async with asyncio.timeout(TIMEOUT):
        while channel not in layer._loops:  # noqa: ASYNC110  (another loop's thread sets it, so there is no event to await)
            await asyncio.sleep(0.01)


async def test_message_wakes_a_receiver_on_another_loop():
    layer = ThreadSafeInMemoryChannelLayer()
    with BackgroundLoop() as gateway:
        received = gateway.run(layer.receive("call"))
        await wait_until_receiving(layer, "call")

        await layer.send("call", {"type": "session.ended"})

        assert received.result(TIMEOUT) == {"type": "session.ended"}


async def test_group_message_reaches_current_members_on_every_loop():
    layer = ThreadSafeInMemoryChannelLayer()
    with BackgroundLoop() as gateway:
        for channel in ("here", "there", "gone"):
            await layer.group_add("session", channel)
        await layer.group_discard("session", "gone")
        there = gateway.run(layer.receive("there"))
        await wait_until_receiving(layer, "there")

        await layer.group_send("session", {"type": "hint"})

        assert there.result(TIMEOUT) == {"type": "hint"}
        assert await asyncio.wait_for(layer.receive("here"), TIMEOUT) == {"type": "hint"}
        assert "gone" not in layer.channels


async def test_message_sent_before_its_receiver_waits_is_kept():
    layer = ThreadSafeInMemoryChannelLayer()
    await layer.send("call", {"type": "early"})

    with BackgroundLoop() as gateway:
        assert gateway.run(layer.receive("call")).result(TIMEOUT) == {"type": "early"}


async def test_send_to_a_closed_loop_raises_no_error():
    layer = ThreadSafeInMemoryChannelLayer()
    with BackgroundLoop() as gateway:
        received = gateway.run(layer.receive("call"))
        await wait_until_receiving(layer, "call")
        await layer.send("call", {"type": "last"})
        received.result(TIMEOUT)

    await layer.send("call", {"type": "too late"})

    assert "call" not in layer.channels
