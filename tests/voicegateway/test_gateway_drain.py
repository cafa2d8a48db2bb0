"""A real gateway that drains after SIGTERM."""

from signal import SIGTERM

import pytest
from websockets.exceptions import InvalidStatus

from recordings.models import RecordingEpoch
from tests.voicegateway.gateway_process import TIMEOUT
from tests.voicegateway.raw_websocket import RawWebSocketClient, close_frame
from tests.voicegateway.scripted_counselor import ScriptedCounselor, open_socket, refusal_reason, start_calls, tone
from tests.voicegateway.test_gateway_calls import transcript_lines
from training.models import Session
from training.services.call_tickets import issue_ticket


def is_shipped(session: Session) -> bool:
    """Return True once all audio of the call is in the object store, so that its host is no longer needed."""
    return RecordingEpoch.objects.filter(recording__session=session, sealed_at__isnull=False).exists()


def test_drain_lets_calls_end_and_admits_no_more(own_gateway, organization):
    gateway = own_gateway(DRAIN_FOR="600")
    first, second = start_calls(organization, 2)
    with ScriptedCounselor(gateway, first) as line:
        line.wait_for("ready")
        was_ready, _ = gateway.readiness()

        gateway.process.send_signal(SIGTERM)
        notice = line.wait_for("notice")
        status, body = gateway.readiness()
        with pytest.raises(InvalidStatus) as refused:
            open_socket(gateway, second.pk, issue_ticket(second)[1])
        line.say("May I finish?")
        line.wait_for_turn("counselor")
        reason = line.hang_up()
        exit_status = gateway.process.wait(TIMEOUT)

    first.refresh_from_db()
    assert (was_ready, status, body["status"], notice["code"]) == (200, 503, "draining", "draining")
    assert refusal_reason(refused.value) == "draining"
    assert (reason, exit_status, first.status) == ("hung_up", 0, "completed")
    assert ("counselor", "May I finish?", False) in transcript_lines(first)
    assert is_shipped(first)


def test_drain_waits_until_pages_have_closed_their_sockets(own_gateway, call):
    gateway = own_gateway(DRAIN_FOR="600")
    with RawWebSocketClient() as page:
        page.connect_to(gateway, call)
        read = page.read_until(b'"ready"')
        gateway.process.send_signal(SIGTERM)
        read += page.read_until(b'"draining"')
        page.send_message(type="hang_up")
        read += page.read_until(close_frame(1000))
        page.settimeout(0.3)
        with pytest.raises(TimeoutError):  # the gateway waits for the page to close
            page.recv(1)
        page.settimeout(TIMEOUT)
        page.send_close(1000)
        rest = page.read_until_closed()
        exit_status = gateway.process.wait(TIMEOUT)

    assert b'"ended"' in read
    assert (rest, exit_status) == (b"", 0)


@pytest.mark.parametrize("how", ["time is up", "a second signal"])
def test_drain_saves_unfinished_calls_for_another_gateway(own_gateway, call, how):
    gateway = own_gateway(DRAIN_FOR="1" if how == "time is up" else "600")
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.5))
        line.say("quokkawords")
        line.wait_for_turn("counselor")

        gateway.process.send_signal(SIGTERM)
        line.wait_for("notice")
        if how == "a second signal":
            gateway.process.send_signal(SIGTERM)
        ending = line.wait_for_end(), line.wait_closed()
        exit_status = gateway.process.wait(TIMEOUT)

    call.refresh_from_db()
    assert ending == ("shutdown", 1012)
    assert (exit_status, call.status, call.is_held) == (0, "active", False)
    assert ("counselor", "quokkawords", False) in transcript_lines(call)
    assert not call.turns.filter(is_final=False).exists()
    assert is_shipped(call)
    gateway.start()
    with ScriptedCounselor(gateway, call) as line:
        assert line.wait_for("ready")["resumed"] is True
        line.hang_up()


def test_drain_of_an_idle_gateway_stops_at_once(own_gateway):
    gateway = own_gateway(DRAIN_FOR="600")

    assert gateway.stop() == 0
    assert "Traceback" not in gateway.output
