"""Health check of OpenAI: an authenticated request for the list of models, and a check of the response body."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread

from django.conf import settings

from ai.clients import build_async_client, translate_openai_errors
from ai.errors import AIUnavailableError

_DEADLINE = 2.0  # seconds for the whole request, however slowly its parts arrive
_VALID_FOR = 60.0  # seconds that a result is reused in this process
_MAX_BODY = 4 * 1024 * 1024  # bytes; a long list of models is 0.5 MB
_STATUS_REASONS = {
    401: "OpenAI rejected the API key",
    403: "OpenAI does not allow the API key to list models",
    404: "The base URL has no list of models",
}


@dataclass
class _Check:
    """One request for the list of models, running or finished."""

    target: tuple[str, str]  # base URL and key of the request
    reason: Future[str | None]
    finished_at: float = 0.0  # 0 while it runs


class ModelsCheck:
    """Result of the latest check, shared by all threads of the process. Only one check runs at a time."""

    def __init__(self, request: Callable[[], str | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock = request, clock
        self._lock = Lock()
        self._latest: _Check | None = None

    def reason(self) -> str | None:
        """Return the reason for a failed check in words, or None. Return within the deadline."""
        try:
            return self._current().reason.result(timeout=_DEADLINE)
        except TimeoutError:
            return f"OpenAI did not list its models within {_DEADLINE:g} s"

    def _current(self) -> _Check:
        target = (settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)
        with self._lock:
            latest = self._latest
            is_running = latest is not None and not latest.finished_at
            if latest and latest.target == target and (is_running or self._clock() - latest.finished_at < _VALID_FOR):
                return latest
            self._latest = started = _Check(target, Future())
        # Use a separate thread, because a name server that hangs must not hold a thread of the caller's pool.
        Thread(target=self._run, args=(started,), name="models-check", daemon=True).start()
        return started

    def _run(self, check: _Check) -> None:
        try:
            reason = self._request()
        except Exception as error:  # a waiting health page needs an answer, whatever happened
            reason = f"The check of OpenAI failed: {type(error).__name__}"
        check.finished_at = self._clock()
        check.reason.set_result(reason)


def check_models() -> str | None:
    """Ask OpenAI for its models. Return the reason in words if it cannot serve requests, or None.

    The result is reused for 60 s in this process. It is in English, for operators, and contains no address or key.
    """
    return _models_check.reason()


def request_models() -> str | None:
    """Request the list of models once and check it. Return the reason for a failure in words, or None."""
    try:
        with translate_openai_errors():
            return judge_models(asyncio.run(_read_models()))
    except TimeoutError:
        return f"OpenAI did not list its models within {_DEADLINE:g} s"
    except AIUnavailableError as error:
        return _STATUS_REASONS.get(error.status or 0, f"OpenAI did not list its models: {error.code}")


async def _read_models() -> bytes:
    """Return the body of the answer, cut off after 4 MiB."""
    body = bytearray()
    async with (
        asyncio.timeout(_DEADLINE),
        build_async_client(timeout=_DEADLINE, max_retries=0) as client,
        client.models.with_streaming_response.list() as response,
    ):
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _MAX_BODY:
                break
    return bytes(body)


def judge_models(body: bytes) -> str | None:
    """Return None if the body lists at least one model, otherwise the reason for failure."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return "The base URL answered the request for models with something other than JSON"
    models = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return "The base URL answered the request for models without a list"
    if not any(isinstance(model, dict) and isinstance(model.get("id"), str) and model["id"] for model in models):
        return "The server behind the base URL has no models"
    return None


_models_check = ModelsCheck(request_models)
