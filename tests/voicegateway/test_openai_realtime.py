"""The real SDK against a small WebSocket server of our own and against the stand-in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus

import openai
import orjson
import pytest
from websockets.asyncio.client import connect as connect_socket
from websockets.asyncio.server import Request, Response, ServerConnection, serve

from tests.standins.openai.standin_process import StandinProcess
from tests.voicegateway.fakes import CALL_CONFIG, FakeBrowserSocket, FakeRecorder, FakeTurnSink, chain_turns
from voicegateway.conversation.call import Call
from voicegateway.conversation.call_config import CallEndReason
from voicegateway.conversation.ports import UpstreamUnavailableError
from voicegateway.upstream.openai_realtime import OpenAIRealtimeConnection, connect

Refusal = Callable[[ServerConnection, Request], Response | None]


@asynccontextmanager
async def realtime_server(
    handler: Callable[[ServerConnection], Awaitable[None]], refuse: Refusal | None = None
) -> AsyncIterator[openai.AsyncOpenAI]:
    async with serve(handler, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        async with openai.AsyncOpenAI(api_key="sk-test", base_url=f"http://127.0.0.1:{port}/v1") as client:
            yield client


@asynccontextmanager
async def open_connection(
    handler: Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[OpenAIRealtimeConnection]:
    async with realtime_server(handler) as client:
        connection = await connect(client, "gpt-realtime-2.1")
        try:
            yield connection
        finally:
            await connection.close()


async def read_messages(connection: OpenAIRealtimeConnection, count: int) -> list[bytes]:
    messages: list[bytes] = []
    enough = asyncio.Event()

    def collect(data: bytes) -> None:
        messages.append(bytes(data))
        if len(messages) == count:
            enough.set()

    listening = asyncio.create_task(connection.listen(collect))
    async with asyncio.timeout(60):
        await enough.wait()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return messages


async def test_events_go_both_ways_as_raw_json():
    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            assert isinstance(message, str)
            await socket.send(orjson.dumps({"path": socket.request.path, "got": orjson.loads(message)}).decode())

    async with open_connection(echo) as connection:
        await connection.send(b'{"type":"session.update"}')

        answer = orjson.loads((await read_messages(connection, 1))[0])

    assert answer == {"path": "/v1/realtime?model=gpt-realtime-2.1", "got": {"type": "session.update"}}


async def test_large_event_is_received():
    async def send_large_message(socket: ServerConnection) -> None:
        await socket.send("a" * 3_000_000)
        await socket.wait_closed()

    async with open_connection(send_large_message) as connection:
        assert [len(message) for message in await read_messages(connection, 1)] == [3_000_000]


async def test_messages_keep_their_order_with_fragments():
    numbers = [str(number).encode() for number in range(60)]
    may_go_on = asyncio.Event()

    async def count(socket: ServerConnection) -> None:
        for number in numbers[:20]:  # some arrive before the client listens
            await socket.send(number, text=True)
        await may_go_on.wait()
        for number in numbers[20:]:
            digits = (number[:1], number[1:])
            await socket.send(digits if number.endswith(b"3") else number, text=True)
        await socket.wait_closed()

    async with open_connection(count) as connection:
        await asyncio.sleep(0)
        first = asyncio.create_task(read_messages(connection, 60))
        await asyncio.sleep(0)
        may_go_on.set()
        messages = await first

    assert messages == numbers


async def test_messages_wait_for_the_next_listener():
    async def chat(socket: ServerConnection) -> None:
        await socket.send("one")
        async for message in socket:
            await socket.send(message)

    async with open_connection(chat) as connection:
        assert await read_messages(connection, 1) == [b"one"]
        await connection.send(b"two")
        assert await read_messages(connection, 1) == [b"two"]


@pytest.mark.parametrize(("code", "retryable"), [(1000, True), (1001, True), (1011, True), (1008, False)])
async def test_close_code_determines_whether_error_is_retryable(code, retryable):
    async def close(socket: ServerConnection) -> None:
        await socket.close(code)

    async with open_connection(close) as connection:
        with pytest.raises(UpstreamUnavailableError) as caught:
            await connection.listen(lambda data: None)
        with pytest.raises(UpstreamUnavailableError):
            await connection.send(b"{}")

    assert (caught.value.code, caught.value.retryable) == (f"closed_{code}", retryable)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (HTTPStatus.UNAUTHORIZED, False),
        (HTTPStatus.TOO_MANY_REQUESTS, True),
        (HTTPStatus.BAD_REQUEST, False),
        (HTTPStatus.OK, False),  # a page of HTML instead of a WebSocket
        (HTTPStatus.BAD_GATEWAY, True),
    ],
)
async def test_handshake_status_determines_whether_error_is_retryable(status, retryable):
    async def handler(socket: ServerConnection) -> None:
        raise AssertionError

    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(status, "<html></html>")

    async with realtime_server(handler, refuse) as client:
        with pytest.raises(UpstreamUnavailableError) as caught:
            await connect(client, "gpt-realtime-2.1")

    assert (caught.value.code, caught.value.retryable) == (f"http_{status}", retryable)


async def test_redirect_to_another_host_is_not_followed():
    # Following it would send the key and the call to an unconfigured host.
    redirected = []

    async def handler(socket: ServerConnection) -> None:
        redirected.append(socket.request.headers.get("Authorization"))

    async with serve(handler, "127.0.0.1", 0) as other:
        location = f"ws://127.0.0.1:{other.sockets[0].getsockname()[1]}/v1/realtime"

        def redirect(socket: ServerConnection, request: Request) -> Response:
            answer = socket.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            answer.headers["Location"] = location
            return answer

        async with realtime_server(handler, redirect) as client:
            with pytest.raises(UpstreamUnavailableError):
                await connect(client, "gpt-realtime-2.1")

    assert redirected == []


async def test_unreachable_upstream_is_retryable():
    async with openai.AsyncOpenAI(api_key="sk-test", base_url="http://127.0.0.1:9/v1") as client:
        with pytest.raises(UpstreamUnavailableError) as caught:
            await connect(client, "gpt-realtime-2.1")

    assert (caught.value.code, caught.value.retryable) == ("unreachable", True)


async def aenumerate(messages: AsyncIterator[object]) -> AsyncIterator[tuple[int, object]]:
    number = 0
    async for message in messages:
        yield number, message
        number += 1


class InstantPlayer(FakeBrowserSocket):
    """Player that reports each item as played as soon as it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.call: Call | None = None
        self.spoken = asyncio.Event()

    async def send_text(self, text: str) -> None:
        await super().send_text(text)
        message = self.messages[-1]
        if message["type"] == "item_end":
            self.say(type="played", item=message["item"], samples=message["samples"], at_mic_sample=0, final=True)
        if message["type"] == "turn" and message["role"] == "caller" and message["final"]:
            self.spoken.set()

    def say(self, **message: object) -> None:
        self.call.receive_text(orjson.dumps(message).decode())


async def test_call_runs_against_the_stand_in():
    with StandinProcess("--answer-delay=0.01", "--delta-pause=0.001") as standin:
        async with openai.AsyncOpenAI(api_key="sk-test", base_url=standin.base_url) as client:
            player, turns = InstantPlayer(), FakeTurnSink()
            call = Call(CALL_CONFIG, partial(connect, client, CALL_CONFIG.model), player, turns, FakeRecorder())
            player.call, turns.on_saved = call, call.confirm_saved
            running = asyncio.create_task(call.run())

            player.say(type="hello", last_revision=0)
            player.say(type="say", text="Crisis line, this is Anna.")
            await player.spoken.wait()
            player.say(type="hang_up")

            assert (await running).reason is CallEndReason.HUNG_UP

    assert [(turn.role, turn.text_heard) for turn in chain_turns(turns.saved)] == [
        ("counselor", "Crisis line, this is Anna."),
        ("caller", CALL_CONFIG.greeting),
    ]
    assert sum(len(frame) - 8 for frame in player.frames) > 0


ODD_MESSAGES = [
    "<html>Log in</html>",
    "",
    "NaN",
    "null",
    "[]",
    '{"type": 5}',
    '{"type": "unheard.of"}',
    '{"type": "response.done"}',
    '{"type": "error", "error": "overloaded"}',
    '{"type": "conversation.item.added", "item": {"id": "\\ud800"}}',
    "[" * 100_000,
    b"\xff\xfe not text",
]


async def test_call_continues_despite_odd_messages():
    """A server between the call and the stand-in adds odd messages to each of the stand-in's."""
    with StandinProcess("--answer-delay=0.01", "--delta-pause=0.001", "--audio-speed=25") as standin:
        url = standin.base_url.replace("http", "ws", 1)

        async def pass_on(socket: ServerConnection) -> None:
            headers = {"Authorization": "Bearer sk-test"}
            async with connect_socket(f"{url}/realtime?model=m", additional_headers=headers, max_size=None) as upstream:

                async def send_up() -> None:
                    async for message in socket:
                        await upstream.send(message)
                    await upstream.close()

                sending = asyncio.create_task(send_up())
                async for number, message in aenumerate(upstream):
                    await socket.send(ODD_MESSAGES[number % len(ODD_MESSAGES)])
                    await socket.send(message)
                await sending

        async with realtime_server(pass_on) as client:
            player, turns = InstantPlayer(), FakeTurnSink()
            call = Call(CALL_CONFIG, partial(connect, client, CALL_CONFIG.model), player, turns, FakeRecorder())
            player.call, turns.on_saved = call, call.confirm_saved
            running = asyncio.create_task(call.run())

            player.say(type="hello", last_revision=0)
            player.say(type="say", text="Crisis line, this is Anna.")
            async with asyncio.timeout(60):
                await player.spoken.wait()
            player.say(type="hang_up")

            assert (await running).reason is CallEndReason.HUNG_UP

    assert [turn.text_heard for turn in chain_turns(turns.saved)] == [
        "Crisis line, this is Anna.",
        CALL_CONFIG.greeting,
    ]
