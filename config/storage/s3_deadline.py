"""Deadline for whole requests to S3. boto's read timeout restarts with every byte received."""

from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from botocore.exceptions import ReadTimeoutError


def limit_requests(client: Any, seconds: float) -> None:
    """End each attempt at a request after `seconds`. The bodies of downloads are read later and do not count."""
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
        return answer

    # A handler that returns a response replaces boto's own sending, and boto still retries its errors.
    client.meta.events.register("before-send.s3", send)


def _send(session: Any, request: Any, answers: "SimpleQueue[Any]") -> None:
    try:
        answers.put(session.send(request))
    except Exception as error:  # the waiting thread raises it
        answers.put(error)
