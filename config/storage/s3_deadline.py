"""Deadlines for whole requests to S3 and for whole downloads. boto's read timeout restarts with every byte received."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ReadTimeoutError

MIN_RATE = 1024**2  # bytes per second; the deadline of a download allows for its size at this rate
_CHUNK = 64 * 1024  # bytes


class DownloadDeadlineError(BotoCoreError):
    """Download whose body did not arrive in time. Unlike a broken connection, it is not worth another attempt."""

    fmt = "The download took longer than {seconds:.0f} seconds."


class TimedBody:
    """Raw body of a download. Its reads may take `seconds` in total, not counting the time between reads.

    boto's timeout still applies to each read, so the last one may exceed the deadline by that much.
    """

    def __init__(self, raw: Any, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._raw, self._clock = raw, clock
        self._seconds = self._left = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def read(self, amt: int | None = None, **_: Any) -> bytes:
        """Return `amt` bytes, or fewer at the end. Raise DownloadDeadlineError."""
        data = bytearray()
        while amt is None or len(data) < amt:
            part = self._read_once(_CHUNK if amt is None else amt - len(data))
            if not part:
                break
            data += part
        return bytes(data)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read_once(self, most: int) -> bytes:
        """Read what the next packet brings. A read of a fixed size would wait for all of it."""
        if self._left <= 0:
            self._raw.close()
            raise DownloadDeadlineError(seconds=self._seconds)
        start = self._clock()
        try:
            data: bytes = self._raw.read1(most)
        finally:
            self._left -= self._clock() - start
        return data


def limit_requests(client: Any, seconds: float) -> None:
    """End each attempt at a request after `seconds`, and each download after `seconds` plus its size at MIN_RATE."""
    session = client._endpoint.http_session

    def send(request: Any, **_: Any) -> Any:
        answers: SimpleQueue[Any] = SimpleQueue()
        Thread(target=_send, args=(session, request, answers), name="s3-request", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except Empty:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        if isinstance(answer, Exception):
            raise answer
        if request.stream_output:  # all other bodies are complete
            size = answer.headers.get("Content-Length", "")
            answer.raw = TimedBody(answer.raw, seconds + (int(size) / MIN_RATE if size.isdigit() else 0))
        return answer

    # A handler that returns a response replaces boto's own sending, and boto still retries its errors.
    client.meta.events.register("before-send.s3", send)


def _send(session: Any, request: Any, answers: "SimpleQueue[Any]") -> None:
    try:
        answers.put(session.send(request))
    except Exception as error:  # the waiting thread raises it
        answers.put(error)
