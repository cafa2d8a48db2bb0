"""OpenAI clients with base URL, key, timeouts, and the only retry layer. No other module builds a client."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx2
import openai
from django.conf import settings

from ai.deadlines import Deadline

# An error code in OpenAI's style. Other servers send numbers, sentences, or objects, which are not safe to log.
_CODE = re.compile(r"[A-Za-z][\w.-]{0,63}")


NO_ENDPOINT = "no_such_endpoint"  # our code for a request to a part of the API that the server lacks
_MAX_MESSAGE = 2_000  # characters of an error message that are read
_FATAL_CODES = {"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"}
_REJECTS_TEMPERATURE = re.compile(r"(?i)(?:unsupported|does not support|don't support)[^\n]{0,120}temperature")
# (wording, our code, whether a retry can help), most specific first. The status of such a response says little: LiteLLM
# reports an invalid provider key as 500, and vLLM reports a text that is too long as 400.
_CODES_BY_WORDING = [
    (re.compile(wording, re.IGNORECASE), code, retryable)
    for wording, code, retryable in (
        (
            r"ContextWindowExceeded|maximum context length|prompt is too long|exceeds? the (?:model'?s )?"
            r"(?:available )?context",
            "context_length_exceeded",
            False,
        ),
        (
            r"budget has been exceeded|ExceededBudget|insufficient_quota|exceeded your current quota",
            "insufficient_quota",
            False,
        ),
        (
            r"AuthenticationError|Authentication Error|Incorrect API key|Invalid proxy server token",
            "invalid_api_key",
            False,
        ),
        (r"RateLimitError|rate limit (?:reached|exceeded)", "rate_limit_exceeded", True),
        (r"ContentPolicyViolation", "refused", True),
        (r"litellm\.Timeout|APITimeoutError", "timeout", True),
        (r"model ['\"`]?[^\n]{1,100} (?:not found|does not exist)", "model_not_found", False),
    )
]


class AIUnavailableError(Exception):
    """Failure of a request to OpenAI.

    `code` is safe to log. `retryable` is True if a retry may help, and `retry_after` is the wait in seconds that OpenAI
    asked for. `missing` is True if the requested vector store or file no longer exists. `param` names the invalid
    request parameter. `status` is the HTTP status of the response.
    """

    def __init__(
        self,
        code: str,
        *,
        retryable: bool,
        missing: bool = False,
        retry_after: float | None = None,
        param: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.missing = missing
        self.retry_after = retry_after
        self.param = param
        self.status = status


def build_client(timeout: float, max_retries: int = 2) -> openai.OpenAI:
    """Build a client for workers with `timeout` seconds for each whole request.

    The SDK's retries are the only retry layer.
    """
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=timeout,
        max_retries=max_retries,
        http_client=DeadlineHttpClient(verify=_ssl_context(), timeout=timeout, follow_redirects=True),
    )


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
        http_client=openai.DefaultAsyncHttpxClient(verify=_ssl_context()),
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
    """Translate an HTTP error. Other servers report most failures as 400 or 500 and give the cause in the message."""
    status, body = error.status_code, error.body if isinstance(error.body, dict) else {}
    code, retryable = _read_code(error), status in {408, 409, 429} or status >= 500
    is_missing = status == 404 and bool(body.keys() & {"message", "code"})
    if status in {404, 405, 501} and not is_missing and not body.keys() & {"message", "code"}:
        code, retryable = NO_ENDPOINT, False
    elif is_missing and not _CODE.fullmatch(str(error.code or "")):
        code = "not_found"
    message = str(body.get("message") or "")[:_MAX_MESSAGE]
    for wording, wording_code, wording_retryable in _CODES_BY_WORDING:
        if code in {f"http_{status}", "not_found"} and wording.search(message):
            code, retryable, is_missing = wording_code, wording_retryable, False
            break
    if code in _FATAL_CODES:
        retryable = False
    param = error.param if isinstance(error.param, str) else None
    return AIUnavailableError(
        code,
        retryable=retryable,
        missing=is_missing,
        retry_after=_parse_retry_after(error.response.headers.get("retry-after")),
        param="temperature" if _REJECTS_TEMPERATURE.search(message) else param,
        status=status,
    )


def _read_code(error: openai.APIStatusError) -> str:
    code: object = error.code
    return code if isinstance(code, str) and _CODE.fullmatch(code) else f"http_{error.status_code}"


def _parse_retry_after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, or None if it holds no number."""
    try:
        return float(header) if header else None
    except ValueError:
        return None
