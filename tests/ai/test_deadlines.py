"""Deadlines of whole requests, against servers that send a byte now and then."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from django.core.mail import EmailMessage, get_connection

from ai import AIUnavailableError, build_client, translate_openai_errors
from config.storage.s3 import PrivateS3Storage
from recordings.object_store import StoreUnavailableError
from tests.support.raw_receiver import RawReceiver
from training import openai_caller

LATE_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LATE_BODY = LATE_HEADERS + b"Content-Length: 9000\r\n\r\n"


@pytest.fixture
def dripping() -> Iterator[Callable[..., RawReceiver]]:
    """Yield a function that starts a server which sends its first bytes at once and then drips."""
    started: list[RawReceiver] = []

    def start(first: bytes, drip: bytes = b" ") -> RawReceiver:
        started.append(RawReceiver(first, drip))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


@pytest.mark.parametrize("first", [LATE_HEADERS, LATE_BODY], ids=["headers", "body"])
def test_openai_request_ends_at_its_deadline(dripping, settings, first):
    server = dripping(first, b"a")
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"

    with (
        pytest.raises(AIUnavailableError) as caught,
        translate_openai_errors(),
        build_client(timeout=0.3, max_retries=0) as client,
    ):
        client.responses.create(model="any", input="hi")

    assert (caught.value.code, caught.value.retryable) == ("timeout", True)
    assert server.ended.wait(5)


def test_upload_to_openai_ends_at_its_deadline(dripping, settings):
    server = dripping(LATE_HEADERS, b"a")
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"

    with (
        pytest.raises(AIUnavailableError, match="timeout"),
        translate_openai_errors(),
        build_client(timeout=0.3, max_retries=0) as client,
    ):
        client.files.create(file=("a.md", b"text"), purpose="assistants")


def test_streamed_reply_ends_at_its_deadline(dripping, settings, monkeypatch):
    piece = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "a"}\n\n'
    server = dripping(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + piece, piece)
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
    monkeypatch.setattr(openai_caller, "_REPLY_DEADLINE", 0.3)
    pieces: list[str] = []

    async def read() -> None:
        async for one in openai_caller.stream_reply("be someone", []):
            pieces.append(one)

    with pytest.raises(AIUnavailableError, match="timeout"):
        asyncio.run(read())

    assert pieces and set(pieces) == {"a"}
    assert server.ended.wait(5)


@pytest.mark.parametrize("first", [b"", b"220-welcome\r\n"], ids=["greeting", "lines"])
def test_mail_ends_at_its_deadline(dripping, settings, first):
    server = dripping(first, b"2")
    settings.MAIL_TIMEOUT = 0.3
    connection = get_connection(
        "accounts.integrations.email_backend.DeadlineEmailBackend", host="127.0.0.1", port=server.port, timeout=5
    )

    with pytest.raises(OSError):
        connection.send_messages([EmailMessage("Hello", "there", "a@example.org", ["b@example.org"])])

    assert server.ended.wait(5)


def test_request_to_s3_ends_at_its_deadline(dripping, settings):
    settings.STORAGE_TIMEOUT = 0.1
    server = dripping(LATE_HEADERS, b"a")
    store = PrivateS3Storage(
        bucket_name="any",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        access_key="test",
        secret_key="test",  # noqa: S106  (nobody checks it)
    )

    with pytest.raises(StoreUnavailableError):
        store.put("key", b"data")
