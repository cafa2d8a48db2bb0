"""A real gateway with calls that are taken over, revoked, kept open, flooded, or left unread."""

import socket
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from scenarios.models import Mode
from tests.support.fixtures import client_of
from tests.voicegateway.gateway_process import upstream_events, wait_for_end, wait_until
from tests.voicegateway.raw_websocket import RawWebSocketClient, close_frame
from tests.voicegateway.scripted_counselor import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    ScriptedCounselor,
    open_socket,
    refusal_reason,
    start_calls,
    tone,
)
from tests.voicegateway.test_gateway_calls import channels_of, finished_recording, transcript_lines
from tests.voicegateway.test_gateway_failures import is_call_released
from training.models import Session
from training.services.call_tickets import issue_ticket, revoke_tickets
from training.services.session_start import start_free_practice
from training.services.sessions import end_by_supervisor

# Takeover


def test_second_tab_takes_over_the_call_and_the_first_is_notified(gateway, standin, call):
    with ScriptedCounselor(gateway, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.say("From the first tab.")
        first.wait_for_turn("counselor")
        with ScriptedCounselor(gateway, call, displaces=epoch) as second:
            ready = second.wait_for("ready")
            ending = first.wait_for_end(), first.wait_closed()
            second.say("From the second tab.")
            second.wait_for_turn("counselor", 2)
            second.hang_up()

    wait_for_end(call)
    replayed = [item["item"]["content"][0]["text"] for item in upstream_events(standin, "conversation.item.create")]
    assert ending == ("replaced", 4002)
    assert (ready["resumed"], ready["epoch"]) == (True, epoch + 1)
    assert replayed[0] == "From the first tab."
    assert [text for role, text, _ in transcript_lines(call) if "tab" in text] == [
        "From the first tab.",
        "From the second tab.",
    ]
    assert [turn["text"] for turn in second.turns][0] == "From the first tab."
    assert (call.status, call.end_reason, call.epoch) == ("completed", "hung_up", 2)


def test_displaced_page_cannot_reclaim_the_call(gateway, call):
    with ScriptedCounselor(gateway, call) as first:
        first_epoch = first.wait_for("ready")["epoch"]
        with ScriptedCounselor(gateway, call, displaces=first_epoch) as second:
            second.wait_for("ready")

            with pytest.raises(InvalidStatus) as refused:
                open_socket(gateway, call.pk, issue_ticket(call, displaces=first_epoch)[1])
            second.say("Still here.")
            assert second.wait_for_turn("counselor")["text"] == "Still here."
            assert second.hang_up() == "hung_up"

    assert refusal_reason(refused.value) == "in_use"


def test_another_gateway_takes_over_the_call_without_pubsub(own_gateway, tmp_path, standin, call):
    old = own_gateway(HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="0.2")
    (tmp_path / "new").mkdir()
    new = own_gateway(folder=tmp_path / "new", HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="0.2", SPOOL_DIR=str(old.spool))
    with ScriptedCounselor(old, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.say("Before.")
        first.wait_for_turn("counselor")
        with ScriptedCounselor(new, call, displaces=epoch) as second:
            ready = second.wait_for("ready")
            second.say("After.")
            second.wait_for_turn("counselor", 2)
            second.hang_up()
        wait_for_end(call)
        first.drop_connection()

    assert ready["resumed"] is True
    assert [text for _, text, _ in transcript_lines(call) if text in {"Before.", "After."}] == ["Before.", "After."]
    assert (call.status, call.epoch) == ("completed", 2)


def test_takeover_between_gateways_saves_everything_first(own_gateway, tmp_path, standin, call, redis_url):
    old = own_gateway(REDIS_URL=redis_url, HEARTBEAT_EVERY="600", TAKE_OVER_WAIT="20")
    (tmp_path / "new").mkdir()
    new = own_gateway(folder=tmp_path / "new", REDIS_URL=redis_url, TAKE_OVER_WAIT="20", SPOOL_DIR=str(old.spool))
    with ScriptedCounselor(old, call) as first:
        epoch = first.wait_for("ready")["epoch"]
        first.speak(tone(0.6))
        first.wait(lambda: len(first.microphone) > 1.5 * SAMPLE_RATE, "the speech was sent")
        with ScriptedCounselor(new, call, displaces=epoch) as second:
            second.wait_for("ready")
            ending = first.wait_for_end(), first.wait_closed()
            second.hang_up()

    wait_for_end(call)
    assert ending == ("replaced", 4002)
    assert tone(0.1) in channels_of(finished_recording(call))[0].tobytes()


# Revocation, end, and reconnection


def test_logout_ends_the_call_and_keeps_the_session_open(gateway, call, counselor):
    with ScriptedCounselor(gateway, call, login="a-login") as line:
        line.wait_for("ready")
        line.say("Before.")
        line.wait_for_turn("counselor")

        revoke_tickets("a-login")
        ending = line.wait_for_end(), line.wait_closed()

    wait_until(lambda: is_call_released(call), "the call is released")
    call.refresh_from_db()
    assert ending == ("logged_out", 4001)
    assert call.is_live
    with ScriptedCounselor(gateway, call, login="another-login") as line:
        assert line.wait_for("ready")["resumed"] is True
        line.hang_up()


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "something-else"}])
def test_call_ends_when_its_counselor_loses_access(gateway, call, counselor, change):
    with ScriptedCounselor(gateway, call, login="a-login") as line:
        line.wait_for("ready")

        type(counselor).objects.filter(pk=counselor.pk).update(**change)

        assert (line.wait_for_end(), line.wait_closed()) == ("logged_out", 4001)


def test_logout_on_the_page_closes_the_call(gateway, call, counselor):
    client = client_of(counselor)
    ticket = client.post(f"/api/sessions/{call.pk}/ticket/", {}, "application/json").json()["ticket"]
    with ScriptedCounselor(gateway, call, ticket=ticket) as line:
        line.wait_for("ready")

        client.post("/account/logout/")

        assert (line.wait_for_end(), line.wait_closed()) == ("logged_out", 4001)


def test_supervisor_ends_a_call_and_the_page_is_notified(gateway, call):
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")

        end_by_supervisor(call)

        assert (line.wait_for_end(), line.wait_closed()) == ("supervisor", 1000)
    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("completed", "supervisor")


def test_abandoned_call_ends_and_is_graded(own_gateway, call):
    gateway = own_gateway(LINE_KEPT_FOR="0.5")
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.say("Anybody?")
        line.wait_for_turn("counselor")
        line.wait(lambda: len(line.microphone) > SAMPLE_RATE, "half a second was recorded")
        line.drop_connection()

    wait_for_end(call)
    assert (call.status, call.end_reason, call.evaluations.count()) == ("abandoned", "line_lost", 1)
    assert finished_recording(call).state == "completed"


# Limits


def test_process_refuses_calls_beyond_its_capacity(own_gateway, organization):
    gateway = own_gateway(CALLS_PER_PROCESS="2")
    first, second, third = start_calls(organization, 3)
    with ScriptedCounselor(gateway, first) as one, ScriptedCounselor(gateway, second) as two:
        one.wait_for("ready")
        two.wait_for("ready")
        with pytest.raises(InvalidStatus) as refused:
            open_socket(gateway, third.pk, issue_ticket(third)[1])
        assert gateway.readiness()[1]["calls"] == 2
        one.hang_up()
        one.wait_closed()
        wait_until(lambda: gateway.readiness()[1]["calls"] == 1, "a slot is free")
        with ScriptedCounselor(gateway, third) as three:
            three.wait_for("ready")

    assert refusal_reason(refused.value) == "overloaded"


def test_audio_faster_than_real_time_closes_the_socket(gateway, call):
    with ScriptedCounselor(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        with suppress(ConnectionClosed):
            for index in range(0, 60 * SAMPLE_RATE, FRAME_SAMPLES):
                line.send_frame(bytes(2 * FRAME_SAMPLES), index)
        code = line.wait_closed()

    assert code == 1008
    wait_until(lambda: is_call_released(call), "the call is released")
    assert Session.objects.get(pk=call.pk).is_live


def test_page_that_stops_reading_is_closed(own_gateway, standin, call, colleague):
    gateway = own_gateway(TYPED_TURNS_PER_MINUTE="1000", TYPED_WORDS_PER_MINUTE="1000000")
    other, _ = start_free_practice(colleague, Mode.PHONE)
    with RawWebSocketClient() as stalled_page, ScriptedCounselor(gateway, other) as line:
        line.wait_for("ready")
        stalled_page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled_page.connect_to(gateway, call)
        wait_until(lambda: gateway.readiness()[1]["calls"] == 2, "the call is admitted")
        before = gateway.memory
        # The gateway answers every message with the turn in full.
        for _ in range(580):
            stalled_page.send_message(type="say", text="\u00e9" * 3_000)
        wait_until(lambda: is_call_released(call), "the call is released")
        grown = gateway.memory - before
        line.say("Still here.")
        line.wait_for_turn("counselor")
        wait_until(lambda: gateway.readiness()[1]["calls"] == 1, "the stalled page's call is closed")
        read = stalled_page.read_until_closed()

    call.refresh_from_db()
    assert call.is_live
    assert grown < 20 * 1024**2
    assert read.endswith(close_frame(4008)) or read.endswith(b"RESET")
