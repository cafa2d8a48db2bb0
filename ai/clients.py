"""The only place that builds OpenAI clients: address, key, deadlines, and one layer of retries."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import httpx2
import openai
from django.conf import settings


class AIUnavailable(Exception):
    """OpenAI did not do what was asked. `retryable` says whether trying again can help; `code` is fit for a log.

    `missing` is set when the thing asked for (a vector store, a file) is not there any more, `param` when one thing in
    the request is what is wrong.
    """

    def __init__(
        self,
        code: str,
        *,
        retryable: bool,
        missing: bool = False,
        retry_after: float | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.missing = missing
        self.retry_after = retry_after
        self.param = param


def build_client(timeout: float, max_retries: int = 2) -> openai.OpenAI:
    """A client for workers. `timeout` in seconds for one request; the SDK's own retries are the only retry layer."""
    return openai.OpenAI(
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        timeout=timeout,
        max_retries=max_retries,
        http_client=openai.DefaultHttpxClient(verify=_certificates()),
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Read once in a process: each reading takes 35 ms, which is a third of our own share of an evaluation."""
    return httpx2.create_ssl_context()


def build_async_client(timeout: float, max_retries: int = 1) -> openai.AsyncOpenAI:
    """A client for the gateway and for streamed replies."""
    return openai.AsyncOpenAI(
        api_key=settings.OPENAI_API_KEY, base_url=settings.OPENAI_BASE_URL, timeout=timeout, max_retries=max_retries
    )


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn whatever the SDK raises inside into `AIUnavailable`."""
    try:
        yield
    except openai.NotFoundError as error:
        raise AIUnavailable("not_found", retryable=False, missing=True) from error
    except openai.APIStatusError as error:
        retryable = error.status_code in {408, 409, 429} or error.status_code >= 500
        fatal = error.code in {"insufficient_quota", "billing_hard_limit_reached", "account_deactivated"}
        raise AIUnavailable(
            error.code or f"http_{error.status_code}",
            retryable=retryable and not fatal,
            retry_after=_seconds(error.response.headers.get("retry-after")),
            param=error.param,
        ) from error
    except openai.APITimeoutError as error:
        raise AIUnavailable("timeout", retryable=True) from error
    except openai.APIConnectionError as error:
        raise AIUnavailable("unreachable", retryable=True) from error
    except openai.OpenAIError as error:
        raise AIUnavailable(type(error).__name__, retryable=True) from error


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None
