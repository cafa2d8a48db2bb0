"""OpenAI clients with base URL, key, timeouts, and the only retry layer. No other module builds a client."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx2
import openai
from django.conf import settings

from ai.deadlines import Deadline
from ai.errors import AIUnavailableError, read_error

_LONGEST_WAIT = 3600.0  # seconds


def build_client(timeout: float, max_retries: int = 2) -> openai.OpenAI:
    """Build a client for workers with `timeout` seconds for each whole request.

    The SDK's retries are the only retry layer.
    """
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=timeout,
        max_retries=max_retries,
        http_client=DeadlineHttpClient(
            verify=_ssl_context(),
            timeout=timeout,
            follow_redirects=True,
            event_hooks={"response": [_stay_on_origin]},
        ),
    )


def _stay_on_origin(response: httpx2.Response) -> None:
    """Turn a redirect to another origin into an error, because conversations may go only to the configured server.

    A redirect from http to https is followed if both use their default ports.
    """
    if response.has_redirect_location and not _is_same_origin(response.request.url, response.headers["location"]):
        del response.headers["location"]  # httpx then returns the redirect as the answer


def _is_same_origin(url: httpx2.URL, location: str) -> bool:
    try:
        target = url.join(location)
    except (httpx2.InvalidURL, ValueError):
        return False
    is_upgrade = (url.host, url.scheme, url.port) == (target.host, "http", None) and (
        (target.scheme, target.port) == ("https", None)
    )
    return target.origin == url.origin or is_upgrade


async def _stay_on_origin_async(response: httpx2.Response) -> None:
    _stay_on_origin(response)


class DeadlineHttpClient(httpx2.Client):
    """HTTP client whose read timeout is the deadline for a whole request. Use it from one thread at a time.

    httpx restarts a timeout with every byte, so a server that trickles its response could tie up a worker.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._latest_socket: socket.socket | None = None

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        seconds = request.extensions.get("timeout", {}).get("read")
        if seconds is None:
            return super().send(request, **options)
        request.extensions["trace"] = self._note_socket
        deadline = Deadline(seconds)
        try:
            with deadline.enforce(lambda: self._latest_socket):
                return super().send(request, **options)
        except (httpx2.TransportError, TimeoutError) as error:
            if deadline.is_over:
                raise httpx2.ReadTimeout("The deadline of the request has passed.", request=request) from error
            raise

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the socket of each new connection. httpx calls this at each step of a request."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._latest_socket = info["return_value"].get_extra_info("socket")


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the SSL context, built once per process: it takes 35 ms, a third of our code's time in an evaluation."""
    return httpx2.create_ssl_context()


def build_async_client(timeout: float, max_retries: int = 1) -> openai.AsyncOpenAI:
    """Build a client for the gateway and for streamed replies, with `timeout` seconds per request."""
    return openai.AsyncOpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=timeout,
        max_retries=max_retries,
        http_client=openai.DefaultAsyncHttpxClient(
            verify=_ssl_context(), event_hooks={"response": [_stay_on_origin_async]}
        ),
    )


@contextmanager
def translate_openai_errors() -> Iterator[None]:
    """Convert every SDK exception raised inside the block to AIUnavailableError."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _translate_status_error(error) from error
    except openai.APITimeoutError as error:
        raise AIUnavailableError("timeout", retryable=True) from error
    except openai.APIConnectionError as error:
        raise AIUnavailableError("unreachable", retryable=True) from error
    except openai.OpenAIError as error:
        raise AIUnavailableError(type(error).__name__, retryable=True) from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise AIUnavailableError("unreachable", retryable=True) from error
    except (AttributeError, TypeError, ValueError, RecursionError):
        # An answer without the expected fields. The original error is not chained, because it may quote the answer.
        raise AIUnavailableError("unusable_answer", retryable=True) from None


def _translate_status_error(error: openai.APIStatusError) -> AIUnavailableError:
    try:
        body = error.response.content
    except httpx2.StreamError:  # the body was not read
        body = b""
    return read_error(error.status_code, body, _parse_retry_after(error.response.headers.get("retry-after") or ""))


def _parse_retry_after(header: str) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most an hour, or None if it is invalid or past.

    The header holds a number of seconds or a date.
    """
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None
