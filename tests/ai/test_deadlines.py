"""Deadlines of whole requests, against servers that send a byte now and then."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO

import pytest
from django.core.mail import EmailMessage, get_connection

from ai import AIUnavailableError, build_client, translate_openai_errors
from config.storage.s3 import PrivateS3Storage
from config.storage.s3_deadline import DownloadDeadlineError, TimedBody
from recordings.object_store import StoreUnavailableError
from tests.support.raw_receiver import RawReceiver
from training import openai_caller

LATE_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LATE_BODY = LATE_HEADERS + b"Content-Length: 9000\r\n\r\n"
DEADLINE = 1.0  # seconds; a busy machine must have connected and received the first bytes by then


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
        build_client(timeout=DEADLINE, max_retries=0) as client,
    ):
        client.responses.create(model="any", input="hi")

    assert (caught.value.code, caught.value.retryable) == ("timeout", True)
    assert server.ended.wait(60)


def test_upload_to_openai_ends_at_its_deadline(dripping, settings):
    server = dripping(LATE_HEADERS, b"a")
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"

    with (
        pytest.raises(AIUnavailableError, match="timeout"),
        translate_openai_errors(),
        build_client(timeout=DEADLINE, max_retries=0) as client,
    ):
        client.files.create(file=("a.md", b"text"), purpose="assistants")


def test_streamed_reply_ends_at_its_deadline(dripping, settings, monkeypatch):
    piece = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "b"}\n\n'
    server = dripping(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + piece, piece)
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{server.port}/v1"
    monkeypatch.setattr(openai_caller, "_REPLY_DEADLINE", DEADLINE)
    settings.OPENAI_SEPARATES_THINKING = True
    pieces: list[str] = []

    async def read() -> None:
        async for one in openai_caller.stream_reply("be someone", []):
            pieces.append(one)

    with pytest.raises(AIUnavailableError, match="timeout"):
        asyncio.run(read())

    assert set("".join(pieces)) == {"b"}
    assert server.ended.wait(60)


@pytest.mark.parametrize("first", [b"", b"220-welcome\r\n"], ids=["greeting", "lines"])
def test_mail_ends_at_its_deadline(dripping, settings, first):
    server = dripping(first, b"2")
    settings.MAIL_TIMEOUT = DEADLINE
    connection = get_connection(
        "accounts.integrations.email_backend.DeadlineEmailBackend", host="127.0.0.1", port=server.port, timeout=60
    )

    with pytest.raises(OSError):
        connection.send_messages([EmailMessage("Hello", "there", "a@example.org", ["b@example.org"])])

    assert server.ended.wait(60)


def store_at(server: RawReceiver) -> PrivateS3Storage:
    return PrivateS3Storage(
        bucket_name="any",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name="us-east-1",
        access_key="test",
        secret_key="test",  # noqa: S106  (nobody checks it)
    )


def test_request_to_s3_ends_at_its_deadline(dripping, settings):
    settings.STORAGE_TIMEOUT = 0.1
    server = dripping(LATE_HEADERS, b"a")

    with pytest.raises(StoreUnavailableError):
        store_at(server).put("key", b"data")


DOWNLOADS: dict[str, Callable[[PrivateS3Storage], object]] = {
    "small object": lambda store: store.read_object("key"),
    "range": lambda store: store.read_range("key", 0, 9000).read(9000),
    "range in blocks": lambda store: list(iter(partial(store.read_range("key", 0, 9000).read, 100), b"")),
}


@pytest.mark.parametrize("kind", DOWNLOADS)
def test_download_from_s3_ends_at_its_deadline_and_is_not_tried_again(dripping, settings, kind):
    settings.STORAGE_TIMEOUT = DEADLINE
    server = dripping(LATE_BODY, b"a")

    with pytest.raises(StoreUnavailableError, match="DownloadDeadlineError"):
        DOWNLOADS[kind](store_at(server))

    assert server.ended.wait(60)
    assert server.connections == 1


def test_download_of_a_file_from_s3_ends_at_its_deadline(dripping, settings):
    settings.STORAGE_TIMEOUT = DEADLINE
    server = dripping(LATE_BODY, b"a")

    with pytest.raises(DownloadDeadlineError):
        store_at(server).bucket.Object("key").download_fileobj(BytesIO())

    assert server.ended.wait(60)


class SlowBody:
    """Body that receives 10 bytes with each packet, one packet a second."""

    def __init__(self, size: int) -> None:
        self.left, self.now, self.is_closed = size, 0.0, False

    def read1(self, most: int) -> bytes:
        self.now += 1.0
        size = min(most, 10, self.left)
        self.left -= size
        return b"x" * size

    def close(self) -> None:
        self.is_closed = True


def test_only_the_time_in_reads_counts_toward_the_deadline_of_a_download():
    raw = SlowBody(100)
    body = TimedBody(raw, 5.0, lambda: raw.now)

    parts = [body.read(20)]
    raw.now += 3600.0  # the reader of a recording pauses
    parts.append(body.read(30))

    assert parts == [b"x" * 20, b"x" * 30]
    with pytest.raises(DownloadDeadlineError):
        body.read(1)
    assert raw.is_closed


def test_body_that_arrives_in_time_is_read_whole_by_every_method():
    def body() -> TimedBody:
        raw = SlowBody(95)
        return TimedBody(raw, 60.0, lambda: raw.now)

    buffer = bytearray(200)

    assert (body().read(), body().read(200), body().readinto(buffer)) == (b"x" * 95, b"x" * 95, 95)
    assert buffer == b"x" * 95 + bytes(105)
