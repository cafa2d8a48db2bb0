"""A real gateway whose lines are taken over, revoked, kept, flooded, left unread, or that is told to stop."""

import json
import os
import socket
from contextlib import suppress
from signal import SIGTERM
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from scenarios.models import Mode
from tests.people import add_person, client_of
from tests.voicegateway.gateway_process import ORIGIN, PATIENCE, upstream_events, wait_for_end, wait_until
from tests.voicegateway.line import FRAME, RATE, Line, dial, tone
from tests.voicegateway.test_gateway_losses import is_free
from tests.voicegateway.test_gateway_process import channels_of, finished, lines_of
from training.models import Session
from training.services.sessions import end_by_supervisor, start_free_practice
from training.services.tickets import issue_ticket, revoke_tickets

DATABASE_THREADS = 4
CYCLES = 500 if os.environ.get("STEADYLINE_PROVE") else 40


def begin_calls(organization, number: int) -> list[Session]:
    people = [add_person(organization, "counselor", f"c{index}@example.org") for index in range(number)]
    return [start_free_practice(person, Mode.PHONE)[0] for person in people]


def reason_of(refused: InvalidStatus) -> str:
    reason: str = json.loads(refused.response.body)["reason"]
    return reason


# Taken over


def test_a_second_tab_takes_the_call_over_and_the_first_is_told(gateway, standin, call):
    with Line(gateway, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.say("From the first tab.")
        first.wait_for_turn("counselor")
        with Line(gateway, call, displaces=epoch) as second:
            ready = second.wait_for("ready")
            told = first.wait_for_end(), first.wait_closed()
            second.say("From the second tab.")
            second.wait_for_turn("counselor", 2)
            second.hang_up()

    wait_for_end(call)
    replayed = [item["item"]["content"][0]["text"] for item in upstream_events(standin, "conversation.item.create")]
    assert told == ("replaced", 4002)
    assert (ready["resumed"], ready["epoch"]) == (True, epoch + 1)
    assert replayed[0] == "From the first tab."
    assert [text for role, text, _ in lines_of(call) if "tab" in text] == [
        "From the first tab.",
        "From the second tab.",
    ]
    assert [turn["text"] for turn in second.turns][0] == "From the first tab."
    assert (call.status, call.end_reason, call.epoch) == ("completed", "hung_up", 2)


def test_whoever_was_displaced_cannot_take_the_line_back_with_what_it_held(gateway, call):
    with Line(gateway, call) as first:
        held = first.wait_for("ready")["epoch"]
        with Line(gateway, call, displaces=held) as second:
            second.wait_for("ready")

            with pytest.raises(InvalidStatus) as refused:
                dial(gateway, call.pk, issue_ticket(call, displaces=held)[1])
            second.say("Still here.")
            assert second.wait_for_turn("counselor")["text"] == "Still here."
            assert second.hang_up() == "hung_up"

    assert reason_of(refused.value) == "in_use"


def test_a_call_is_taken_over_by_another_gateway_without_any_hint(own_gateway, tmp_path, standin, call):
    old = own_gateway(HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="0.2")
    (tmp_path / "new").mkdir()
    new = own_gateway(folder=tmp_path / "new", HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="0.2", SPOOL_DIR=str(old.spool))
    with Line(old, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.say("Before.")
        first.wait_for_turn("counselor")
        with Line(new, call, displaces=epoch) as second:
            ready = second.wait_for("ready")
            second.say("After.")
            second.wait_for_turn("counselor", 2)
            second.hang_up()
        wait_for_end(call)
        first.drop()

    assert ready["resumed"] is True
    assert [text for _, text, _ in lines_of(call) if text in {"Before.", "After."}] == ["Before.", "After."]
    assert (call.status, call.epoch) == ("completed", 2)


def test_a_call_is_taken_over_between_gateways_with_everything_saved_first(
    own_gateway, tmp_path, standin, call, redis_url
):
    old = own_gateway(REDIS_URL=redis_url, HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="20")
    (tmp_path / "new").mkdir()
    new = own_gateway(folder=tmp_path / "new", REDIS_URL=redis_url, TAKE_OVER_WAIT="20", SPOOL_DIR=str(old.spool))
    with Line(old, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.speak(tone(0.6))
        first.wait(lambda: len(first.microphone) > 1.5 * RATE, "something was said")
        with Line(new, call, displaces=epoch) as second:
            second.wait_for("ready")
            told = first.wait_for_end(), first.wait_closed()
            second.hang_up()

    wait_for_end(call)
    assert told == ("replaced", 4002)
    assert tone(0.1) in channels_of(finished(call))[0].tobytes()


# Revoked, ended, kept


def test_a_call_ends_when_its_counselor_logs_out_and_is_kept_for_a_while(gateway, call, counselor):
    with Line(gateway, call, login="a-login") as line:
        line.wait_for("ready")
        line.say("Before.")
        line.wait_for_turn("counselor")

        revoke_tickets("a-login")
        told = line.wait_for_end(), line.wait_closed()

    wait_until(lambda: is_free(call), "the line is free")
    call.refresh_from_db()
    assert told == ("logged_out", 4001)
    assert call.is_live
    with Line(gateway, call, login="another-login") as line:
        assert line.wait_for("ready")["resumed"] is True
        line.hang_up()


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "something-else"}])
def test_a_call_ends_when_its_counselor_may_not_take_calls_any_more(gateway, call, counselor, change):
    with Line(gateway, call, login="a-login") as line:
        line.wait_for("ready")

        type(counselor).objects.filter(pk=counselor.pk).update(**change)

        assert (line.wait_for_end(), line.wait_closed()) == ("logged_out", 4001)


def test_logging_out_on_the_page_closes_the_call(gateway, call, counselor):
    client = client_of(counselor)
    ticket = client.post(f"/api/sessions/{call.pk}/ticket/", {}, "application/json").json()["ticket"]
    with Line(gateway, call, ticket=ticket) as line:
        line.wait_for("ready")

        client.post("/account/logout/")

        assert (line.wait_for_end(), line.wait_closed()) == ("logged_out", 4001)


def test_a_supervisor_ends_a_call_and_the_counselor_is_told_who(gateway, call):
    with Line(gateway, call) as line:
        line.wait_for("ready")

        end_by_supervisor(call)

        assert (line.wait_for_end(), line.wait_closed()) == ("supervisor", 1000)
    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("completed", "supervisor")


def test_a_line_that_nobody_comes_back_to_lapses_and_is_graded(own_gateway, call):
    gateway = own_gateway(LINE_KEPT_FOR="0.5")
    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.say("Anybody?")
        line.wait_for_turn("counselor")
        line.wait(lambda: len(line.microphone) > RATE, "half a second was recorded")
        line.drop()

    wait_for_end(call)
    assert (call.status, call.end_reason, call.evaluations.count()) == ("abandoned", "line_lost", 1)
    assert finished(call).state == "completed"


# Bounds


def test_a_process_takes_no_more_calls_than_it_should(own_gateway, organization):
    gateway = own_gateway(CALLS_PER_PROCESS="2")
    first, second, third = begin_calls(organization, 3)
    with Line(gateway, first) as one, Line(gateway, second) as two:
        one.wait_for("ready")
        two.wait_for("ready")
        with pytest.raises(InvalidStatus) as refused:
            dial(gateway, third.pk, issue_ticket(third)[1])
        assert gateway.ready()[1]["calls"] == 2
        one.hang_up()
        one.wait_closed()
        wait_until(lambda: gateway.ready()[1]["calls"] == 1, "a place is free")
        with Line(gateway, third) as three:
            three.wait_for("ready")

    assert reason_of(refused.value) == "overloaded"


def test_a_flood_of_sound_is_cut_off(gateway, call):
    with Line(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        with suppress(ConnectionClosed):
            for index in range(0, 60 * RATE, FRAME):
                line.send_frame(bytes(2 * FRAME), index)
        code = line.wait_closed()

    assert code == 1008
    wait_until(lambda: is_free(call), "the line is free")
    assert Session.objects.get(pk=call.pk).is_live


def test_a_page_that_stops_reading_is_closed_and_costs_little_memory(own_gateway, standin, call, colleague):
    gateway = own_gateway()
    other, _ = start_free_practice(colleague, Mode.PHONE)
    with socket.socket() as deaf, Line(gateway, other) as line:
        line.wait_for("ready")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        say_hello(deaf, gateway, call)
        wait_until(lambda: gateway.ready()[1]["calls"] == 2, "it is let in")
        before = gateway.memory
        # Every message is answered by a turn that is told in full.
        for _ in range(400):
            deaf.sendall(masked(json.dumps({"type": "say", "text": "x" * 9_000})))
        wait_until(lambda: is_free(call), "the line is free", patience=15)
        grown = gateway.memory - before
        line.say("Still here.")
        line.wait_for_turn("counselor")
        wait_until(lambda: gateway.ready()[1]["calls"] == 1, "the deaf page has no place any more", patience=10)
        read = read_to_the_end(deaf)

    call.refresh_from_db()
    assert call.is_live
    assert grown < 20 * 1024**2
    assert read.endswith(b"\x88\x02" + (4008).to_bytes(2, "big")) or read.endswith(b"RESET")


def say_hello(bare: socket.socket, gateway, call) -> None:
    """A page without a browser's machinery, which answers nothing by itself."""
    address = urlsplit(gateway.url)
    bare.connect((address.hostname, address.port))
    handshake = (
        f"GET /ws/calls/{call.pk}/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {ORIGIN}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Protocol: steadyline.v1, ticket.{issue_ticket(call)[1]}\r\n\r\n"
    )
    bare.sendall(handshake.encode())
    read_until(bare, b"\r\n\r\n")  # what is sent before the socket is one is lost
    bare.sendall(masked('{"type":"hello","last_revision":0}'))


def read_to_the_end(deaf: socket.socket) -> bytes:
    """What had been sent when the other end gave up."""
    read = b""
    try:
        while data := deaf.recv(65536):
            read += data
    except ConnectionResetError:
        read += b"RESET"
    return read


def masked(text: str) -> bytes:
    """A client's text frame, with a mask of zeros."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0x80 | 126]) + len(data).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + data


# Told to stop


def test_a_gateway_that_is_to_stop_lets_calls_end_and_takes_no_more(own_gateway, organization):
    gateway = own_gateway(DRAIN_FOR="600")
    first, second = begin_calls(organization, 2)
    with Line(gateway, first) as line:
        line.wait_for("ready")
        was_ready, _ = gateway.ready()

        gateway.process.send_signal(SIGTERM)
        notice = line.wait_for("notice")
        status, body = gateway.ready()
        with pytest.raises(InvalidStatus) as refused:
            dial(gateway, second.pk, issue_ticket(second)[1])
        line.say("May I finish?")
        line.wait_for_turn("counselor")
        reason = line.hang_up()
        exit_status = gateway.process.wait(20)

    first.refresh_from_db()
    assert (was_ready, status, body["status"], notice["code"]) == (200, 503, "draining", "draining")
    assert reason_of(refused.value) == "draining"
    assert (reason, exit_status, first.status) == ("hung_up", 0, "completed")
    assert ("counselor", "May I finish?", False) in lines_of(first)


def test_a_gateway_that_is_to_stop_waits_until_the_last_page_has_read_the_end(own_gateway, call):
    gateway = own_gateway(DRAIN_FOR="600")
    with socket.socket() as page:
        say_hello(page, gateway, call)
        read = read_until(page, b'"ready"')
        gateway.process.send_signal(SIGTERM)
        read += read_until(page, b'"draining"')
        page.sendall(masked('{"type":"hang_up"}'))
        read += read_until(page, CLOSED_1000)
        page.settimeout(0.3)
        with pytest.raises(TimeoutError):  # neither an end nor a reset: nothing comes while the answer is awaited
            page.recv(1)
        page.settimeout(None)
        page.sendall(b"\x88\x82" + bytes(4) + (1000).to_bytes(2, "big"))
        rest = read_to_the_end(page)
        exit_status = gateway.process.wait(20)

    assert b'"ended"' in read
    assert (rest, exit_status) == (b"", 0)


CLOSED_1000 = b"\x88\x02" + (1000).to_bytes(2, "big")


def read_until(page: socket.socket, end: bytes) -> bytes:
    read = b""
    page.settimeout(PATIENCE)
    while end not in read:
        data = page.recv(65536)
        assert data, f"The gateway closed, having said {read!r}"
        read += data
    return read


@pytest.mark.parametrize("how", ["time is up", "a second signal"])
def test_calls_that_do_not_end_in_time_are_saved_and_go_on_elsewhere(own_gateway, call, how):
    gateway = own_gateway(DRAIN_FOR="1" if how == "time is up" else "600")
    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.5))
        line.say("quokkawords")
        line.wait_for_turn("counselor")

        gateway.process.send_signal(SIGTERM)
        line.wait_for("notice")
        if how == "a second signal":
            gateway.process.send_signal(SIGTERM)
        told = line.wait_for_end(), line.wait_closed()
        exit_status = gateway.process.wait(20)

    call.refresh_from_db()
    assert told == ("shutdown", 1012)
    assert (exit_status, call.status, call.is_held) == (0, "active", False)
    assert ("counselor", "quokkawords", False) in lines_of(call)
    assert not call.turns.filter(is_final=False).exists()
    gateway.begin()
    with Line(gateway, call) as line:
        assert line.wait_for("ready")["resumed"] is True
        line.hang_up()


def test_an_idle_gateway_stops_at_once(own_gateway):
    gateway = own_gateway(DRAIN_FOR="600")

    assert gateway.stop() == 0
    assert "Traceback" not in gateway.output


# Nothing left behind


def test_calls_that_come_and_go_leave_nothing_behind(own_gateway, standin, organization):
    gateway = own_gateway(LINE_KEPT_FOR="0.5", SWEEP_EVERY="600", CALLS_PER_PROCESS="50")
    calls = begin_calls(organization, 5)
    for session in calls:
        connect_and_drop(gateway, session)
    wait_until(lambda: not Session.objects.live().exists(), "every line has lapsed")
    before = settled(gateway)

    for number in range(CYCLES // 5):
        for session in begin_calls_of(calls):
            connect_and_drop(gateway, session)
        wait_until(lambda: not Session.objects.live().exists(), f"round {number} has lapsed")

    def is_back() -> bool:
        tasks, files = settled(gateway)
        # Each of the few threads for the database keeps a connection, from its first use on.
        return tasks <= before[0] + 2 and files <= before[1] + 2 + DATABASE_THREADS

    wait_until(is_back, f"tasks, files and connections are back to {before}; now {settled(gateway)}")
    wait_until(lambda: all(entry["ended"] for entry in standin.ledger("realtime")), "every upstream socket is closed")


def begin_calls_of(calls: list[Session]) -> list[Session]:
    return [start_free_practice(session.counselor, Mode.PHONE)[0] for session in calls]


def connect_and_drop(gateway, session: Session) -> None:
    with Line(gateway, session, microphone=False) as line:
        line.send_frame(bytes(2 * FRAME), 0)
        line.wait_for("ready")
        line.drop()


def settled(gateway) -> tuple[int, int]:
    """Tasks and files, among which are the connections to the database and to the other end."""
    return gateway.ready()[1]["tasks"], gateway.open_files
