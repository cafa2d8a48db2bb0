"""Responses that wait for a result without holding a database connection or a thread that other requests need.

A view responds with the current state and says what the client is waiting for. The middleware replaces that response
when the result is ready. It keeps the response if time runs out or too many requests are waiting.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from rest_framework.response import Response

from accounts.services.database_connections import release_connection
from accounts.services.polling import wait_until

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", bound=HttpResponseBase)

FIRST_PAUSE, LONGEST_PAUSE, PAUSE_GROWTH = 0.1, 1.0, 1.25  # seconds between checks, and their growth factor
# All waits in this process check the database from these threads, so that waiting takes at most two connections.
_POLL_EXECUTOR = ThreadPoolExecutor(max_workers=2, thread_name_prefix="waits")
_UNAVAILABLE_ERRORS = (OperationalError, InterfaceError)
_GONE_ERRORS = (ObjectDoesNotExist, Http404)


class AwaitedResult:
    """A result that a client is waiting for. `followers` are called with the final response."""

    def __init__(
        self, is_done: Callable[[], bool], respond: Callable[[bool], HttpResponseBase], seconds: float
    ) -> None:
        self.is_done, self.respond, self.seconds = is_done, respond, seconds
        self.followers: list[Callable[[Any], None]] = []

    def finish(self, first: HttpResponseBase) -> HttpResponseBase:
        """Return the final response, which replaces the first one."""
        final = self.respond(True)
        if isinstance(final, Response) and isinstance(first, Response):
            _render_like(final, first)
        for follow in self.followers:
            follow(final)
        return final


def respond_when_done(is_done: Callable[[], bool], respond: Callable[[bool], Answer], seconds: float) -> Answer:
    """Return `respond(is_done())`. If it is not done, the middleware waits up to `seconds` and responds again."""
    done = is_done()
    response = respond(done)
    if not done and seconds > 0:
        response.awaited = AwaitedResult(is_done, respond, seconds)  # type: ignore[attr-defined]
    return response


def follow_final_response(response: HttpResponseBase, follow: Callable[[Any], None]) -> None:
    """Call `follow` with the response that replaces this one, if any does."""
    if awaited := getattr(response, "awaited", None):
        awaited.followers.append(follow)


@sync_and_async_middleware
def waiting_middleware(get_response: Any) -> Any:
    """Replace responses that wait for a result. This must be the innermost middleware: the others need the final one.

    Under ASGI, a waiting request is a coroutine. A synchronous handler, such as the test client, blocks its thread.
    """
    if iscoroutinefunction(get_response):

        async def wait_without_thread(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            awaited: AwaitedResult | None = getattr(response, "awaited", None)
            slot = getattr(request, "scope", {}).get("request_slot")
            if awaited is None or (slot and not slot.start_waiting()):
                return response
            try:
                return await _wait_and_finish(awaited, response)
            finally:
                if slot:
                    slot.stop_waiting()

        return wait_without_thread

    def wait_in_thread(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        awaited: AwaitedResult | None = getattr(response, "awaited", None)
        if awaited is None or not wait_until(awaited.is_done, awaited.seconds):
            return response
        return awaited.finish(response)

    return wait_in_thread


async def _wait_and_finish(awaited: AwaitedResult, response: HttpResponseBase) -> HttpResponseBase:
    """Return the final response, or the first one if time runs out or the result can no longer be read."""
    await sync_to_async(release_connection)()
    try:
        if await _wait(sync_to_async(_look, thread_sensitive=False, executor=_POLL_EXECUTOR), awaited):
            return await sync_to_async(awaited.finish)(response)
    except (*_UNAVAILABLE_ERRORS, *_GONE_ERRORS) as error:
        logger.info("A wait ended early (%s)", type(error).__name__)
    return response


async def _wait(look: Callable[[AwaitedResult], Awaitable[bool]], awaited: AwaitedResult) -> bool:
    deadline = time.monotonic() + awaited.seconds
    pause = FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        if await look(awaited):
            return True
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)
    return False


def _look(awaited: AwaitedResult) -> bool:
    """Return True if the result is ready. While the database is unreachable, it counts as not ready."""
    try:
        return awaited.is_done()
    except _UNAVAILABLE_ERRORS:
        return False
    finally:
        connection.close()


def _render_like(final: Response, first: Response) -> None:
    """Render the final response in the same way as the view's own."""
    final.accepted_renderer = first.accepted_renderer
    final.accepted_media_type = first.accepted_media_type
    context = first.renderer_context  # type: ignore[attr-defined]
    final.renderer_context = context | {"response": final}  # type: ignore[attr-defined]
    for name in ("Allow", "Vary"):
        if name in first.headers:
            final.headers[name] = first.headers[name]
    final.render()
