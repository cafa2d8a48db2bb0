"""ASGI middleware that limits the requests in progress, so that one person cannot block everyone else."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from accounts.models import User
from accounts.services.request_turns import current_turn
from accounts.web.senders import read_credentials
from config.middleware.bounded_counts import BoundedCounts
from config.middleware.refusal_pace import RefusalPace
from config.middleware.refusals import Refusal, send_refusal
from config.middleware.request_turns import RequestTurns, Sender, Turn

# Credentials that were valid in the last few minutes. They only decide which requests are counted together.
KNOWN_FOR, MOST_KNOWN = 600.0, 20_000  # seconds, credentials


@dataclass(frozen=True)
class RequestLimits:
    """Maximum numbers of requests in progress in one process."""

    per_person: int
    per_address: int  # of clients that are not logged in, or not known yet
    at_once: int  # running for one person, and twice as many for an address; the others wait for their turn
    per_process: int
    waits_per_person: int  # beyond this, requests are answered without waiting
    waits_per_process: int


class KnownPeople:
    """People by the digest of credentials that Django accepted recently."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: OrderedDict[bytes, tuple[Sender, float]] = OrderedDict()

    def remember(self, digest: bytes, person: str, organization: str) -> None:
        sender = Sender(f"person {person}", f"organization {organization}")
        self._known[digest] = sender, self.clock() + KNOWN_FOR
        self._known.move_to_end(digest)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def find(self, digest: bytes) -> Sender | None:
        sender, until = self._known.get(digest, (None, 0.0))
        return sender if self.clock() < until else None

    def find_sender(self, scope: HTTPScope, proxies: int) -> tuple[Sender, bool]:
        """Return whom a request counts for, and True for a known person. Everyone else counts by client address."""
        if known := self.find(digest_credentials(scope)):
            return known, True
        address = f"address {client_address(scope, proxies)}"
        return Sender(address, address), False


class RequestLimitMiddleware:
    """ASGI middleware that counts a request from the arrival of its body until its response has been sent.

    Beyond the limit of a person or an address, it responds with 429, and beyond the limit of the process with 503.
    """

    def __init__(
        self,
        app: Any,
        limits: RequestLimits,
        proxies: int,
        uncounted: str,
        people: KnownPeople | None = None,
        pace: RefusalPace | None = None,
    ) -> None:
        self.app, self.limits, self.proxies, self.uncounted = app, limits, proxies, uncounted
        self.under_way = BoundedCounts(limits.per_process)
        self.waits = BoundedCounts(limits.waits_per_process)
        self.turns = RequestTurns(limits.at_once)
        self.people, self.pace = people or KnownPeople(), pace or RefusalPace()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        slot = RequestSlot(self, scope)
        first = await receive()
        if _is_whole(first) and (refusal := await slot.take()):
            # Refused before Django sees the request, because refusals are what a flood gets most.
            await self.pace.wait(slot.sender.key)
            return await send_refusal(scope, send, refusal)
        await self._pass_on(scope, slot, first, receive, send)

    async def _pass_on(
        self,
        scope: HTTPScope,
        slot: "RequestSlot",
        first: ASGIReceiveEvent,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        refusal: Refusal | None = None
        unread: ASGIReceiveEvent | None = first

        async def counting_receive() -> ASGIReceiveEvent:
            nonlocal refusal, unread
            event, unread = unread or await receive(), None
            if _is_whole(event) and not slot.was_counted:
                refusal = await slot.take()
            # On a disconnect, Django drops the request without a response.
            return {"type": "http.disconnect"} if refusal else event

        async def watching_send(event: Any) -> None:
            slot.end_turn()  # the view is finished
            await send(event)

        token = current_turn.set(slot.end_turn_from_thread)
        try:
            await self.app({**scope, "request_slot": slot}, counting_receive, watching_send)
        finally:
            current_turn.reset(token)
            slot.give_back()
        if refusal:
            await send_refusal(scope, send, refusal)


def _is_whole(event: ASGIReceiveEvent) -> bool:
    return event["type"] == "http.request" and not event.get("more_body")


class RequestSlot:
    """One request's place in the counts of its process."""

    def __init__(self, owner: RequestLimitMiddleware, scope: HTTPScope) -> None:
        self.owner = owner
        self.digest = digest_credentials(scope)
        self.sender, self.limit, self.at_once = self._find_sender(scope)
        self.turn: Turn | None = None
        self.is_counted = self.was_counted = False
        self.loop = asyncio.get_running_loop()

    def _find_sender(self, scope: HTTPScope) -> tuple[Sender, int, int]:
        """Return whom the request counts for, and the limits on their requests in progress and running."""
        limits = self.owner.limits
        if scope["path"].startswith(self.owner.uncounted):
            return Sender("", ""), limits.per_process, limits.per_process
        sender, is_known = self.owner.people.find_sender(scope, self.owner.proxies)
        if is_known:
            return sender, limits.per_person, limits.at_once
        return sender, limits.per_address, 2 * limits.at_once

    async def take(self) -> Refusal | None:
        """Wait for this request's turn, or return the reason why it is refused."""
        if refusal := self.owner.under_way.take(self.sender.key, self.limit):
            return refusal
        self.is_counted = self.was_counted = True
        if self.sender.key:
            try:
                self.turn = await self.owner.turns.take(self.sender, self.at_once)
            except asyncio.CancelledError:
                self.give_back()
                raise
        return None

    def end_turn(self) -> None:
        if self.turn:
            turn, self.turn = self.turn, None
            self.owner.turns.give_back(turn)

    def end_turn_from_thread(self) -> None:
        self.loop.call_soon_threadsafe(self.end_turn)

    def start_waiting(self) -> bool:
        """Count the request among those that only wait. Return False if there are too many."""
        if not self.is_counted or self.owner.waits.take(self.sender.key, self.owner.limits.waits_per_person):
            return False
        self.give_back()
        return True

    def stop_waiting(self) -> None:
        self.owner.waits.give_back(self.sender.key)
        self.owner.under_way.add(self.sender.key)
        self.is_counted = True

    def give_back(self) -> None:
        self.end_turn()
        if self.is_counted:
            self.is_counted = False
            self.owner.under_way.give_back(self.sender.key)

    def remember_person(self, user: User) -> None:
        """Count the next requests with these credentials as this person's."""
        self.owner.people.remember(self.digest, str(user.pk), str(user.organization_id))


def client_address(scope: HTTPScope, proxies: int) -> str:
    """Return the address of the client, as the outermost of our own proxies has seen it."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
    addresses = [address.strip() for address in forwarded.split(",") if address.strip()]
    if proxies and addresses:
        return addresses[max(0, len(addresses) - proxies)]
    client = scope.get("client")
    return client[0] if client else ""


def digest_credentials(scope: HTTPScope) -> bytes:
    """Return a digest of the request's session key or token, which may be made up."""
    headers = dict(scope["headers"])
    credentials = read_credentials(
        headers.get(b"cookie", b"").decode("latin-1"), headers.get(b"authorization", b"").decode("latin-1")
    )
    return hashlib.sha256(f"{credentials.session_key} {credentials.token}".encode()).digest()


@sync_and_async_middleware
def known_people_middleware(get_response: Any) -> Any:
    """Record in the request's slot whom Django has authenticated, without querying the database."""
    if iscoroutinefunction(get_response):

        async def remember_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            _remember_person(request)
            return response

        return remember_async

    def remember(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        _remember_person(request)
        return response

    return remember


def _remember_person(request: HttpRequest) -> None:
    slot = getattr(request, "scope", {}).get("request_slot")
    # Set by Django once it has read the session, and by the API for a token. Otherwise, `user` is a lazy object.
    user = getattr(request, "_cached_user", None) or vars(request).get("user")
    if slot and type(user) is User:
        slot.remember_person(user)
