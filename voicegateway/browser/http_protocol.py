"""uvicorn's HTTP protocol with a deadline for requests and a limit on connections that have not sent one."""

from asyncio import TimerHandle, Transport
from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import ClassVar, Protocol

import h11
from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_AT_ONCE = 200  # connections without a request, from all addresses


class Abortable(Protocol):
    """Connection that can be dropped without waiting."""

    def abort(self) -> None: ...


class HalfOpenConnections:
    """Connections whose request has not arrived, oldest first.

    Above a limit, the oldest one is dropped, not the newest: only an attacker's connections stay open for long without
    a request.
    """

    def __init__(self, at_once: int = MAX_AT_ONCE) -> None:
        self.at_once = at_once
        self._waiting: dict[Abortable, str] = {}  # with their networks, in the order of arrival
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, connection: Abortable, address: str, per_address: int) -> None:
        """Count a new connection. Drop the oldest of its network, or of all, if there are too many."""
        network = network_of(address)
        self._waiting[connection] = network
        self._counts[network] += 1
        if self._counts[network] > per_address:
            self._drop(next(waiting for waiting, other in self._waiting.items() if other == network))
        elif len(self._waiting) > self.at_once:
            self._drop(next(iter(self._waiting)))

    def discard(self, connection: Abortable) -> None:
        """Forget a connection, because its request has arrived or it is gone."""
        network = self._waiting.pop(connection, None)
        if network is None:
            return
        self._counts[network] -= 1
        if not self._counts[network]:
            del self._counts[network]

    def _drop(self, connection: Abortable) -> None:
        self.discard(connection)
        connection.abort()


def network_of(address: str) -> str:
    """Return the address, or the /64 network of an IPv6 address, because one subscriber has the whole network."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket without an address
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return parsed.exploded[:19]
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


class GatewayHTTPProtocol(H11Protocol):
    """HTTP protocol that drops a connection unless its whole request arrives within `HANDSHAKE_TIMEOUT`.

    uvicorn itself waits forever for the first request and for the rest of an incomplete one.
    """

    half_open: ClassVar[HalfOpenConnections] = HalfOpenConnections()
    deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        if self.deadline is None:
            self._start_deadline()
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._clear_deadline()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._clear_deadline()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def _start_deadline(self) -> None:
        self.deadline = self.loop.call_later(settings.HANDSHAKE_TIMEOUT, self.transport.abort)
        address = self.client[0] if self.client else ""
        self.half_open.add(self.transport, address, settings.HANDSHAKES_PER_ADDRESS)

    def _clear_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        self.half_open.discard(self.transport)
