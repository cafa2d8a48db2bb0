"""Admission to a real gateway, and its responses to clients that break the protocol."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from scenarios.models import Mode
from tests.support.fixtures import PROMPT_CANARY
from tests.voicegateway.gateway_process import ORIGIN, wait_until
from tests.voicegateway.scripted_counselor import SAMPLE_RATE, ScriptedCounselor, open_socket, tone
from training.models import CallTicket, EndReason, Session
from training.services.call_tickets import issue_ticket
from training.services.session_start import start_free_practice
from training.services.sessions import end_session


def ticket_for(session: Session) -> str:
    return issue_ticket(session)[1]


def refused_handshake(gateway, session_id, ticket, **options) -> tuple[int, str]:
    """Open a socket that must be refused and return the HTTP status and the reason."""
    with pytest.raises(InvalidStatus) as caught:
        open_socket(gateway, session_id, ticket, **options)
    return caught.value.response.status_code, json.loads(caught.value.response.body)["reason"]


@pytest.mark.parametrize("origin", ["https://elsewhere.test", f"{ORIGIN}.elsewhere.test", "null", "", None])
def test_socket_from_another_site_is_refused_and_spends_no_ticket(gateway, call, origin):
    ticket = ticket_for(call)

    assert refused_handshake(gateway, call.pk, ticket, origin=origin) == (403, "bad_origin")
    open_socket(gateway, call.pk, ticket).close()


def test_socket_without_a_valid_ticket_is_refused(gateway, call):
    good = ticket_for(call)
    forged = f"{uuid4().hex}.{good.partition('.')[2]}"

    refusals = [
        refused_handshake(gateway, call.pk, ticket) for ticket in (None, "", "x", forged, good[:-1], good.upper())
    ]

    assert refusals == [(403, "bad_ticket")] * 6


def test_ticket_admits_one_socket(gateway, call):
    ticket = ticket_for(call)
    open_socket(gateway, call.pk, ticket).close()

    assert refused_handshake(gateway, call.pk, ticket) == (403, "bad_ticket")


def test_ticket_admits_one_of_ten_concurrent_sockets(gateway, call):
    ticket = ticket_for(call)

    def attempt(_: int):
        try:
            return open_socket(gateway, call.pk, ticket)
        except InvalidStatus as refused:
            return json.loads(refused.response.body)["reason"]

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(10)))

    refused = [outcome for outcome in outcomes if isinstance(outcome, str)]
    for admitted in (outcome for outcome in outcomes if not isinstance(outcome, str)):
        admitted.close()
    assert refused == ["bad_ticket"] * 9


def test_expired_ticket_is_refused(gateway, call):
    ticket = ticket_for(call)
    CallTicket.objects.update(expires_at=call.started_at)

    assert refused_handshake(gateway, call.pk, ticket) == (403, "bad_ticket")


def test_ticket_of_another_call_is_refused(gateway, call, colleague):
    other, _ = start_free_practice(colleague, Mode.PHONE)

    assert refused_handshake(gateway, other.pk, ticket_for(call)) == (403, "bad_ticket")


def test_socket_of_a_deactivated_counselor_is_refused(gateway, call):
    ticket = ticket_for(call)
    call.counselor.is_active = False
    call.counselor.save()

    assert refused_handshake(gateway, call.pk, ticket) == (403, "bad_ticket")


def test_socket_of_an_ended_call_is_refused(gateway, call):
    ticket = ticket_for(call)
    end_session(call, EndReason.HUNG_UP)

    assert refused_handshake(gateway, call.pk, ticket) == (403, "session_over")


def test_socket_of_a_chat_is_refused(gateway, chat):
    assert refused_handshake(gateway, chat.pk, ticket_for(chat)) == (403, "session_over")


def test_second_socket_is_refused_and_the_first_continues(gateway, call):
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")

        assert refused_handshake(gateway, call.pk, ticket_for(call)) == (403, "in_use")
        line.say("Still here.")
        assert line.wait_for_turn("counselor")["text"] == "Still here."
        assert line.hang_up() == "hung_up"


@pytest.mark.parametrize("path", ["/ws/calls/not-an-id/", "/ws/calls/{}", "/ws/", "/", "/ws/calls/{}/../admin/"])
def test_unknown_socket_path_is_not_found(gateway, call, path):
    assert refused_handshake(gateway, call.pk, ticket_for(call), path=path) == (403, "not_found")


def test_socket_lost_during_the_handshake_releases_the_call(gateway, standin, call):
    address = urlsplit(gateway.url)
    handshake = (
        f"GET /ws/calls/{call.pk}/?record=true HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {ORIGIN}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Protocol: steadyline.v1, ticket.{ticket_for(call)}\r\n\r\n"
    )

    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(handshake.encode())

    def is_free() -> bool:
        call.refresh_from_db()
        return call.epoch == 1 and not call.is_held

    wait_until(is_free, "the call is released")
    wait_until(
        lambda: all(entry["ended"] for entry in standin.logged_requests("realtime")),
        "every upstream connection is closed",
    )
    assert is_free()


INVALID_INPUTS = {
    "odd length": (lambda line: line.send_frame(bytes(961), len(line.microphone) // 2), 1008),
    "unknown kind": (lambda line: line.socket.send(b"\x09" + bytes(967)), 1008),
    "no header": (lambda line: line.socket.send(b"\x01"), 1008),
    "too big": (lambda line: line.send_frame(bytes(70_000), 0), 1009),
    "too long": (lambda line: line.send_frame(bytes(9_600), 0), 1009),
    "not JSON": (lambda line: line.socket.send("{hello"), 1008),
    "not a number": (lambda line: line.send(type="hello", last_revision=float("nan")), 1008),
    "unknown type": (lambda line: line.send(type="shout", text="quokkawire"), 1008),
}


@pytest.mark.parametrize("bad", INVALID_INPUTS)
def test_protocol_violation_closes_the_socket_and_keeps_the_call_open(gateway, call, bad):
    send, code = INVALID_INPUTS[bad]
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.say("Before.")
        line.wait_for_turn("counselor")
        send(line)
        closed_with = line.wait_closed()

    wait_until(lambda: Session.objects.filter(pk=call.pk, is_held=False).exists(), "the call is released")
    with ScriptedCounselor(gateway, call) as line:
        ready = line.wait_for("ready")
        first = line.wait_for_turn("counselor")["text"]
        line.hang_up()
    assert closed_with == code
    assert (ready["resumed"], first) == (True, "Before.")


def test_log_contains_no_tickets_and_no_words(gateway, standin, call):
    spent, forged = ticket_for(call), f"{uuid4().hex}.quokkaforged"
    open_socket(gateway, call.pk, spent).close()
    for ticket in (spent, forged):
        refused_handshake(gateway, call.pk, ticket)
    wait_until(lambda: Session.objects.filter(pk=call.pk, is_held=False).exists(), "the call is released")

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.5))
        line.say("quokkaspeech")
        line.wait_for_turn("counselor")
        line.wait(lambda: len(line.microphone) > SAMPLE_RATE, "half a second of speech was sent")
        line.send(type="say", text=["quokkawire"])
        line.wait_closed()

    issued = CallTicket.objects.values_list("pk", flat=True)
    signatures = [spent.partition(".")[2]]
    secrets = [*(pk.hex for pk in issued), *signatures, "quokkaforged", "quokkaspeech", "quokkawire", PROMPT_CANARY]
    wait_until(lambda: f"session_id={call.pk}" in gateway.output, "the log names the call")
    assert [secret for secret in secrets if secret in gateway.output] == []
    assert call.counselor.email not in gateway.output
