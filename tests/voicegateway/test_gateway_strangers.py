"""Strangers at a real gateway: forged tickets, foreign origins, and connections that never send their request."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.exceptions import InvalidStatus

from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.gateway_process import TIMEOUT
from tests.voicegateway.scripted_counselor import ScriptedCounselor, open_socket, refusal_reason, start_calls
from training.services.call_tickets import issue_ticket

STRANGERS = 200 if IS_PROVE_RUN else 24
SLOTS = 2  # far fewer than strangers, so one stranger in a slot is one too many
HALF_OPEN = 60 if IS_PROVE_RUN else 8


def refusal_of(gateway, session_id, ticket: str, **options) -> str:
    try:
        open_socket(gateway, session_id, ticket, **options).close()
    except InvalidStatus as refused:
        return refusal_reason(refused)
    return "admitted"


def test_strangers_never_take_the_slot_of_a_real_caller(own_gateway, standin, organization):
    gateway = own_gateway(CALLS_PER_PROCESS=str(SLOTS))
    *calls, earlier = start_calls(organization, SLOTS + 1)
    replayed, foreign = issue_ticket(earlier)[1], issue_ticket(calls[0])[1]
    with ScriptedCounselor(gateway, earlier, ticket=replayed) as line:
        line.hang_up()

    def attempt(number: int) -> str:
        match number % 4:
            case 0:
                return refusal_of(gateway, calls[0].pk, f"{uuid4().hex}.{foreign.partition('.')[2]}")
            case 1:
                return refusal_of(gateway, earlier.pk, replayed)
            case 2:
                return refusal_of(gateway, calls[0].pk, foreign, origin="https://elsewhere.test")
        return refusal_of(gateway, calls[1].pk, foreign)

    with ThreadPoolExecutor(STRANGERS) as crowd:
        refusals = [crowd.submit(attempt, number) for number in range(STRANGERS)]
        with ExitStack() as sockets:
            lines = [sockets.enter_context(ScriptedCounselor(gateway, call)) for call in calls]
            for line in lines:
                line.wait_for("ready")
            outcomes = Counter(refusal.result(TIMEOUT) for refusal in refusals)
            ended = [line.hang_up() for line in lines]

    assert ended == ["hung_up"] * SLOTS
    assert outcomes == {"bad_ticket": STRANGERS * 3 // 4, "bad_origin": STRANGERS // 4}
    assert "ERROR" not in gateway.output  # strangers must not fill the log


def open_silent_connection(gateway, sent: bytes = b"") -> socket.socket:
    address = urlsplit(gateway.url)
    connection = socket.create_connection((address.hostname, address.port), TIMEOUT)
    connection.sendall(sent)
    return connection


def test_silent_connections_do_not_keep_a_real_caller_out(own_gateway, standin, organization):
    gateway = own_gateway(HANDSHAKES_PER_ADDRESS="4", HANDSHAKE_TIMEOUT="60")
    (call,) = start_calls(organization, 1)
    with ExitStack() as strangers:
        silent = [
            strangers.enter_context(open_silent_connection(gateway, b"GET /ws/calls/ HTTP/1.1\r\nHost: x\r\n"))
            for _ in range(HALF_OPEN)
        ]

        with ScriptedCounselor(gateway, call) as line:
            line.wait_for("ready")
            ended = line.hang_up()
        dropped = [is_dropped(connection) for connection in silent[: HALF_OPEN - 4]]

    assert ended == "hung_up"
    assert all(dropped)


def is_dropped(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_connection_without_a_whole_request_is_dropped_at_its_deadline(own_gateway):
    gateway = own_gateway(HANDSHAKE_TIMEOUT="0.2")
    begun = [b"", b"GET /ws/calls/", b"GET /health/ HTTP/1.1\r\nHost: x\r\nContent-Len"]

    with ExitStack() as strangers:
        waiting = [strangers.enter_context(open_silent_connection(gateway, sent)) for sent in begun]

        assert [is_dropped(connection) for connection in waiting] == [True] * 3
