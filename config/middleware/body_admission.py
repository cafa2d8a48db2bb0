"""ASGI middleware that limits how long request bodies may take, and reads large ones only from permitted senders.

Django writes a whole body to a temporary file before any view or login check runs. Without this, anybody could fill
the disk with half-sent bodies.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.db import InterfaceError, OperationalError, connection

from accounts.models import User
from accounts.web.senders import Credentials, find_sender, read_credentials
from config.middleware.bounded_counts import BoundedCounts
from config.middleware.refusal_pace import RefusalPace
from config.middleware.refusals import (
    BODY_TOO_SLOW,
    DATABASE_UNAVAILABLE,
    DRAIN_FACTOR,
    NOT_AUTHENTICATED,
    PERMISSION_DENIED,
    Refusal,
    declared_length,
    discard_body,
    send_refusal,
    wants_page,
)
from config.middleware.request_limits import KnownPeople

IDENTITY_TIMEOUT = 5.0  # seconds to look up the sender in the database
# Separate from the threads that handle requests, so that those never delay the decision.
_EXECUTOR = ThreadPoolExecutor(max_workers=2, thread_name_prefix="senders")


@dataclass(frozen=True)
class BodyRules:
    """Limits for reading bodies in one process."""

    small: int  # bytes; larger bodies are read only from those who may send them
    timeout: float  # seconds, for any body
    min_rate: int  # bytes per second; each byte received extends the timeout
    small_per_address: int  # bodies being read at once, kept in memory; as many for each known person
    small_per_process: int
    large_per_person: int  # bodies being read at once, kept on disk
    large_per_process: int
    permissions: dict[str, str] = field(default_factory=dict)  # needed for a large body, by path prefix

    def permission_for(self, path: str) -> str:
        """Return the permission of the first prefix that matches the path, or "" if any person may send the body."""
        return next((name for prefix, name in self.permissions.items() if fnmatchcase(path, f"{prefix}*")), "")


class BodyTooSlowError(Exception):
    """Body that does not arrive in time."""


class TimedBody:
    """A request's body with a deadline that grows with each byte received."""

    def __init__(self, receive: ASGIReceiveCallable, rules: BodyRules, clock: Callable[[], float]) -> None:
        self._receive, self._rules, self._clock = receive, rules, clock
        self._deadline = clock() + rules.timeout
        self._replayed: deque[ASGIReceiveEvent] = deque()
        self.received = 0
        self.is_whole = False

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next event, starting with those that `prefetch` has read. Raise BodyTooSlowError."""
        if self._replayed:
            return self._replayed.popleft()
        return await self._receive_in_time()

    async def prefetch(self, size: int) -> None:
        """Read into memory until the body is complete or larger than `size` bytes. Raise BodyTooSlowError."""
        while not self.is_whole and self.received <= size:
            self._replayed.append(await self._receive_in_time())

    async def _receive_in_time(self) -> ASGIReceiveEvent:
        if self.is_whole:
            return await self._receive()
        left = self._deadline + self.received / self._rules.min_rate - self._clock()
        if left <= 0:
            raise BodyTooSlowError
        try:
            async with asyncio.timeout(left):
                event = await self._receive()
        except TimeoutError:
            raise BodyTooSlowError from None
        self.is_whole = event["type"] != "http.request" or not event.get("more_body")
        self.received += len(event.get("body", b"")) if event["type"] == "http.request" else 0
        return event


class BodyAdmissionMiddleware:
    """ASGI middleware that reads a small body into memory, and passes on a larger one only from a known sender."""

    def __init__(
        self,
        app: Any,
        rules: BodyRules,
        proxies: int = 0,
        find_sender: Callable[[Credentials], User | None] = find_sender,
        clock: Callable[[], float] = time.monotonic,
        people: KnownPeople | None = None,
        pace: RefusalPace | None = None,
    ) -> None:
        self.app, self.rules, self.proxies, self.find_sender, self.clock = app, rules, proxies, find_sender, clock
        self.people, self.pace = people or KnownPeople(), pace or RefusalPace(clock)
        self.small = BoundedCounts(rules.small_per_process)
        self.large = BoundedCounts(rules.large_per_process)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = TimedBody(receive, self.rules, self.clock)
        if declared_length(scope) <= self.rules.small and (refusal := await self._read_small(scope, body)):
            return await self._refuse(scope, send, refusal)
        if body.is_whole:
            return await self.app(scope, body.receive, send)
        sender = await self._admit_large(scope)
        if isinstance(sender, Refusal):
            await self._refuse_large(scope, receive, send, sender)
        elif refusal := self.large.take(str(sender.pk), self.rules.large_per_person):
            await self._refuse_large(scope, receive, send, refusal)
        else:
            await self._pass_on(scope, body, send, str(sender.pk))

    async def _read_small(self, scope: HTTPScope, body: TimedBody) -> Refusal | None:
        # Strangers at the address of a known person, such as a shared one, must not use up that person's limit.
        key = self.people.find_sender(scope, self.proxies)[0].key
        if refusal := self.small.take(key, self.rules.small_per_address):
            return refusal
        try:
            await body.prefetch(self.rules.small)
        except BodyTooSlowError:
            return BODY_TOO_SLOW
        finally:
            self.small.give_back(key)
        return None

    async def _admit_large(self, scope: HTTPScope) -> User | Refusal:
        """Return the sender of a large body, or the reason why it is not read."""
        headers = dict(scope["headers"])
        credentials = read_credentials(
            headers.get(b"cookie", b"").decode("latin-1"), headers.get(b"authorization", b"").decode("latin-1")
        )
        if credentials == Credentials():
            return NOT_AUTHENTICATED
        try:
            async with asyncio.timeout(IDENTITY_TIMEOUT):
                sender = await asyncio.get_running_loop().run_in_executor(_EXECUTOR, self._find, credentials)
        except (OperationalError, InterfaceError, TimeoutError):
            return DATABASE_UNAVAILABLE
        if sender is None:
            return NOT_AUTHENTICATED
        permission = self.rules.permission_for(scope["path"])
        return sender if not permission or sender.has_perm(permission) else PERMISSION_DENIED

    def _find(self, credentials: Credentials) -> User | None:
        try:
            return self.find_sender(credentials)
        finally:
            connection.close()

    async def _refuse_large(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, refusal: Refusal
    ) -> None:
        if wants_page(scope):
            await discard_body(receive, DRAIN_FACTOR * declared_length(scope))
        await self._refuse(scope, send, refusal)

    async def _refuse(self, scope: HTTPScope, send: ASGISendCallable, refusal: Refusal) -> None:
        await self.pace.wait(self.people.find_sender(scope, self.proxies)[0].key)
        await send_refusal(scope, send, refusal)

    async def _pass_on(self, scope: HTTPScope, body: TimedBody, send: ASGISendCallable, sender: str) -> None:
        is_too_slow = has_responded = False
        with contextlib.ExitStack() as counted:
            counted.callback(self.large.give_back, sender)

            async def receive_in_time() -> ASGIReceiveEvent:
                nonlocal is_too_slow
                try:
                    event = await body.receive()
                except BodyTooSlowError:
                    is_too_slow = True
                    return {"type": "http.disconnect"}  # Django closes and thereby removes its temporary file
                if body.is_whole:
                    counted.close()
                return event

            async def watching_send(event: Any) -> None:
                nonlocal has_responded
                has_responded = True
                await send(event)

            await self.app(scope, receive_in_time, watching_send)
        if is_too_slow and not has_responded:
            await send_refusal(scope, send, BODY_TOO_SLOW)
