"""Floods of text and control frames from one page of a real gateway, beside a quiet call."""

import socket

import pytest

from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.gateway_process import upstream_events, wait_for_end
from tests.voicegateway.raw_websocket import RawWebSocketClient, close_frame
from tests.voicegateway.scripted_counselor import ScriptedCounselor, start_calls
from training.models import TranscriptTurn

LINES = 1722 if IS_PROVE_RUN else 120


def test_flood_of_typed_lines_ends_that_call_alone(gateway, standin, organization):
    noisy, quiet = start_calls(organization, 2)
    with ScriptedCounselor(gateway, noisy, microphone=False) as flood:
        flood.wait_for("ready")
        for number in range(LINES):
            flood.say(f"Line {number}.")
        reason, code = flood.wait_for_end(), flood.wait_closed()
    responses = upstream_events(standin, "response.create")
    with ScriptedCounselor(gateway, quiet) as line:
        line.say("Still here.")
        answer = line.wait_for_turn("caller")["text"]
        line.hang_up()

    ended = wait_for_end(noisy)
    assert (reason, code, ended.end_reason, ended.is_gradable) == ("too_fast", 1008, "too_fast", True)
    assert [notice["code"] for notice in flood.messages_of_type("notice")][-1] == "too_fast"
    assert TranscriptTurn.objects.filter(session=noisy, role="counselor").count() == 20
    assert len(responses) <= 3
    assert answer


EMPTY = b"\x80" + bytes(4)  # length 0, masked by zeros
FLOODS = {
    "pings": (b"", b"\x89" + EMPTY),
    "pongs": (b"", b"\x8a" + EMPTY),
    "empty fragments": (b"\x01" + EMPTY, b"\x00" + EMPTY),
}


@pytest.mark.parametrize("frames", FLOODS)
def test_flood_of_control_frames_ends_the_call(gateway, standin, organization, frames):
    (call,) = start_calls(organization, 1)
    first, repeated = FLOODS[frames]
    with RawWebSocketClient(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.connect_to(gateway, call)
        client.sendall(first + repeated * 300)
        received = client.read_until(close_frame(1008))

    ended = wait_for_end(call)
    assert (ended.end_reason, ended.is_gradable) == ("too_fast", True)
    assert b'"too_fast"' in received
