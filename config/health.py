"""Health and readiness endpoints of a server, which respond before any other code of the product runs."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

import orjson
from django.conf import settings

from ai import check_models
from config.health_probes import check_broker, check_database, check_ownership, check_storage

logger = logging.getLogger(__name__)

CHECK_TIMEOUT = 2.5  # seconds after which a check counts as failed
ABANDONED_AFTER = 30.0  # seconds after which a hanging check is started again
NO_ANSWER = "no answer in time"
_started_at = time.monotonic()


class Check:
    """One check, run in its own thread, at most once at a time. The result is reused for `max_age` seconds.

    `probe` returns None, or the reason why something does not work.
    """

    def __init__(
        self, probe: Callable[[], str | None], max_age: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.probe, self.max_age, self.clock = probe, max_age, clock
        self._lock = Lock()
        self._result: Future[str | None] = Future()
        self._started_at = float("-inf")

    async def reason(self, seconds: float = CHECK_TIMEOUT) -> str | None:
        """Return the reason why the check fails, or None."""
        result = asyncio.wrap_future(self._start())
        finished, _ = await asyncio.wait([result], timeout=seconds)
        return result.result() if finished else NO_ANSWER

    def _start(self) -> Future[str | None]:
        """Return the result of the current check, which may still be under way."""
        with self._lock:
            age = self.clock() - self._started_at
            if age > (self.max_age if self._result.done() else ABANDONED_AFTER):
                self._started_at = self.clock()
                self._result = Future()
                Thread(target=self._run, args=[self._result], name="ready", daemon=True).start()
            return self._result

    def _run(self, result: "Future[str | None]") -> None:
        try:
            result.set_result(self.probe())
        except Exception as error:  # drivers raise errors of many types
            logger.warning("A readiness check failed (%s)", type(error).__name__)
            result.set_result("unreachable")


class HealthEndpoints:
    """ASGI application that answers `/health/` and `/ready/` itself, for any host, and leaves the rest to `app`.

    It needs no thread, database connection, or request slot that other requests use.
    """

    def __init__(
        self,
        app: Any,
        extra_state: Callable[[], dict[str, object]] = dict,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self.app, self.extra_state, self.is_draining = app, extra_state, is_draining
        # The required check comes first. If any of the others fails, the server is degraded but ready.
        self.checks = {
            "database": Check(check_database, max_age=1.0),
            "broker": Check(check_broker, max_age=5.0),
            "storage": Check(check_storage, max_age=60.0),
            "ownership": Check(lambda: check_ownership(), max_age=60.0),
            "openai": Check(lambda: check_models(), max_age=1.0),  # check_models itself reuses its result for a minute
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].rstrip("/") if scope["type"] == "http" else ""
        if path == "/health":
            await _send_json(send, 200, _describe_process())
        elif path == "/ready":
            status, state = await self._describe_readiness()
            await _send_json(send, status, state | self.extra_state())
        else:
            await self.app(scope, receive, send)

    async def _describe_readiness(self) -> tuple[int, dict[str, object]]:
        if self.is_draining():
            return 503, {"status": "draining"}
        reasons = await asyncio.gather(*(check.reason() for check in self.checks.values()))
        failed = {name: reason for name, reason in zip(self.checks, reasons, strict=True) if reason}
        states: dict[str, object] = {name: "degraded" if name in failed else "ok" for name in self.checks}
        if "database" in failed:
            return 503, {"status": "unavailable"} | states | {"reasons": failed}
        return 200, {"status": "degraded" if failed else "ok"} | states | {"reasons": failed}


def _describe_process() -> dict[str, object]:
    return {"status": "ok", "version": settings.VERSION, "uptime": round(time.monotonic() - _started_at)}


async def _send_json(send: Any, status: int, state: dict[str, object]) -> None:
    body = orjson.dumps(state)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),  # the request may have a body, which is never read
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
