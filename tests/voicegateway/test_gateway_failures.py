"""A real gateway that is killed, stopped, or cut off, or that loses its database, its disk, or the caller."""

import contextlib
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from websockets.exceptions import InvalidStatus

from recordings.models import spool_folder
from recordings.services.spools import upload_closed_spools
from tests.recordings.simulated_call import numbered_samples, read_epoch
from tests.voicegateway.gateway_process import spooled_microphone, upstream_events, wait_for_end, wait_until
from tests.voicegateway.scripted_counselor import FRAME_SAMPLES, SAMPLE_RATE, ScriptedCounselor, tone
from tests.voicegateway.test_gateway_calls import channels_of, finished_recording, sample_position, transcript_lines
from training.models import Session
from training.services.sessions import sweep_sessions

RECONNECT_NOTICES = ["caller_reconnecting", "caller_back"]


def send_numbered_audio(line: ScriptedCounselor, samples: int) -> bytes:
    """Send numbered samples all at once and return them. Send at most 4 s."""
    for index in range(0, samples, FRAME_SAMPLES):
        line.send_frame(numbered_samples(index, FRAME_SAMPLES), index)
    return numbered_samples(0, samples)


def wait_until_received(standin, samples: int) -> None:
    """Wait until the stand-in has received `samples`, which proves that the gateway has spooled them.

    The gateway spools audio before it passes it on.
    """

    def is_received() -> bool:
        events = standin.logged_requests("realtime")[-1]["events"]
        appended = [event for event in events if event["type"] == "input_audio_buffer.append"]
        return sum(event["audio_bytes"] for event in appended) >= 2 * samples

    wait_until(is_received, "all audio has reached the stand-in")


def resume_call(gateway, session: Session, **options) -> ScriptedCounselor:
    """Open a socket to the same call as soon as the call is released."""

    def attempt() -> ScriptedCounselor | None:
        try:
            return ScriptedCounselor(gateway, session, **options)
        except InvalidStatus as refused:
            assert b"in_use" in refused.response.body, refused.response.body
            return None

    return wait_until(attempt, "the call is released")


def is_call_released(session: Session) -> bool:
    return Session.objects.filter(pk=session.pk, is_held=False).exists()


def test_call_resumes_after_a_lost_connection(gateway, standin, call):
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        first_words = tone(0.3)
        line.say("Before the gap.")
        line.speak(first_words)
        line.wait_for_turn("counselor")
        line.wait(lambda: len(line.microphone) > 2 * len(first_words), "the tone was sent")
        line.drop_connection()
    recorded_since = read_epoch(spool_folder(call.pk, 1)).wall_time
    with resume_call(gateway, call, last_revision=1) as line:
        ready = line.wait_for("ready")
        line.say("After the gap.")
        line.wait(lambda: any(turn["text"] == "After the gap." for turn in line.turns), "the new turn arrives")
        repeated = [turn["text"] for turn in line.turns]
        later_words = line.speak(tone(0.3, hertz=660))
        line.wait(lambda: len(line.microphone) // 2 > later_words + 0.5 * SAMPLE_RATE, "the second tone was sent")
        line.hang_up()

    wait_for_end(call)
    replayed = upstream_events(standin, "conversation.item.create")
    assert (ready["resumed"], call.epoch) == (True, 2)
    assert [item["item"]["content"][0]["text"] for item in replayed][0] == "Before the gap."
    assert "Before the gap." not in repeated  # revision 1, which the page already has
    assert [text for role, text, _ in transcript_lines(call) if "gap" in text] == ["Before the gap.", "After the gap."]
    recording = finished_recording(call)
    left, _ = channels_of(recording)
    began, went_on = sample_position(first_words[:4800], left), sample_position(tone(0.1, hertz=660), left)
    spoken_at = line.started_at_wall - recorded_since + later_words / SAMPLE_RATE
    assert (recording.state, recording.epochs.count()) == ("completed", 2)
    assert not left[began + len(first_words) // 2 + SAMPLE_RATE // 20 : went_on].any()
    assert went_on / SAMPLE_RATE == pytest.approx(spoken_at, abs=0.1)
    # Turn times follow the recording's clock across the gap.
    before, after = ([turn.start_ms for turn in call.turns.filter(epoch=number)] for number in (1, 2))
    [tone_turn] = [
        turn for turn in call.transcript() if turn.epoch == 2 and turn.source == "spoken" and turn.is_by_counselor
    ]
    assert max(before) < min(after)
    assert tone_turn.start_ms == pytest.approx(1000 * went_on / SAMPLE_RATE, abs=400)


def test_killed_gateway_leaves_its_audio_for_the_next_gateway(own_gateway, standin, call, settings):
    settings.HEARTBEAT_LOST_AFTER = 0.5
    gateway = own_gateway(HEARTBEAT_EVERY="0.3", SWEEP_EVERY="0.3")
    with ScriptedCounselor(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        line.say("Words.")
        line.wait_for_turn("counselor")
        wait_until(lambda: call.turns.filter(is_final=True).exists(), "the turn is saved")
        sent = send_numbered_audio(line, 36_000)
        wait_until_received(standin, 36_000)

        gateway.kill()

    assert spooled_microphone(call, 1) == sent
    assert read_epoch(spool_folder(call.pk, 1)).is_closed is False
    wait_until(sweep_sessions, "the sweep ends the call")
    gateway.start()
    recording = finished_recording(call)
    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("abandoned", "line_lost")
    assert transcript_lines(call)[0] == ("counselor", "Words.", False)
    assert recording.state == "completed"
    assert sent in channels_of(recording)[0].tobytes()


def test_call_continues_on_another_gateway_after_a_kill(own_gateway, standin, call):
    gateway = own_gateway(HEARTBEAT_EVERY="0.3")
    with ScriptedCounselor(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        sent = send_numbered_audio(line, 12_000)
        wait_until_received(standin, 12_000)
        gateway.kill()
    gateway.start()

    with resume_call(gateway, call, microphone=False) as line:
        ready = line.wait_for("ready")
        line.say("Are you still there?")
        line.wait_for_turn("counselor")
        line.hang_up()

    recording = finished_recording(call)
    call.refresh_from_db()
    assert (ready["resumed"], call.epoch, call.status) == (True, 2, "completed")
    assert sent in channels_of(recording)[0].tobytes()
    assert (recording.state, recording.epochs.count()) == ("completed", 2)


def test_stopped_gateway_saves_everything_and_keeps_the_call_open(own_gateway, call):
    gateway = own_gateway()
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.4))
        line.say("quokkawords")
        line.wait(lambda: len(line.microphone) > SAMPLE_RATE, "half a second of speech was sent")

        status = gateway.stop()
        code = line.wait_closed()

    call.refresh_from_db()
    spool = read_epoch(spool_folder(call.pk, 1))
    assert (code, status) == (1012, 0)
    assert "Traceback" not in gateway.output
    assert (call.status, call.is_held) == ("active", False)
    assert ("counselor", "quokkawords", False) in transcript_lines(call)
    assert not call.turns.filter(is_final=False).exists()
    assert (spool.is_closed, spool.failure) == (True, None)
    assert spool.counselor


def test_caller_that_never_responds_ends_the_call_as_failed(gateway, standin, call):
    standin.add_fault("realtime", {"status": 503}, times=None)

    with ScriptedCounselor(gateway, call) as line:
        reason = line.wait_for_end()

    wait_for_end(call)
    assert (reason, call.status, call.end_reason, call.is_gradable) == ("caller_lost", "failed", "caller_lost", False)
    assert finished_recording(call).state in {"absent", "completed"}


def test_caller_lost_during_the_call_is_reconnected_with_its_history(gateway, standin, call):
    standin.add_fault("realtime", {"drop": True, "at_type": "response.output_audio.delta", "at_event": 4})

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.say("Hello?")
        line.wait(
            lambda: [notice["code"] for notice in line.messages_of_type("notice")] == RECONNECT_NOTICES,
            "the caller is back",
        )
        line.say("Are you still there?")
        line.wait_for_turn("counselor", 2)
        line.wait(lambda: len(upstream_events(standin, "response.create")) >= 1, "a response is requested")
        reason = line.hang_up()

    wait_for_end(call)
    first, second = standin.logged_requests("realtime")
    replayed = [item["item"]["content"][0]["text"] for item in upstream_events(standin, "conversation.item.create")]
    assert (reason, call.status) == ("hung_up", "completed")
    assert (bool(first["ended"]), bool(second["ended"])) == (True, True)
    assert replayed[0] == "Hello?"
    assert upstream_events(standin, "session.update", 0) == upstream_events(standin, "session.update", 1)
    assert not call.turns.filter(is_final=False).exists()
    assert finished_recording(call).state == "completed"


@contextlib.contextmanager
def database_locked() -> Iterator[None]:
    """Block other connections from writing turns and sessions while the block runs."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE training_session, training_transcriptturn IN ACCESS EXCLUSIVE MODE")
        yield


def test_database_outage_loses_no_audio_and_no_words(gateway, standin, call):
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        with database_locked():
            spoken_at = line.speak(tone(0.5))
            line.say("While it is away.")
            line.wait_for_turn("counselor")
            # Longer than two heartbeats, which also wait for the lock.
            line.wait(lambda: len(line.microphone) // 2 > spoken_at + 2 * SAMPLE_RATE, "two seconds of audio were sent")
        line.hang_up()

    wait_for_end(call)
    assert ("counselor", "While it is away.", False) in transcript_lines(call)
    left, _ = channels_of(finished_recording(call))
    assert tone(0.1) in left.tobytes()


def test_full_disk_ends_the_recording_but_not_the_call(own_gateway, small_disk, call, settings):
    gateway = own_gateway(SPOOL_DIR=str(small_disk), DISK_PER_CALL="0")
    settings.SPOOL_DIR = small_disk
    with ScriptedCounselor(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        sent = send_numbered_audio(line, 3 * SAMPLE_RATE)
        line.say("Still talking.")
        line.wait_for_turn("counselor")
        reason = line.hang_up()
    gateway.kill()

    wait_for_end(call)
    kept = spooled_microphone(call, 1)
    upload_closed_spools()
    recording = finished_recording(call)
    left, _ = channels_of(recording)
    assert (reason, recording.state) == ("hung_up", "partial")
    assert "space" in recording.reason
    assert SAMPLE_RATE < len(kept) < len(sent)
    assert left[: len(kept) // 2].tobytes() == sent[: len(kept)]


def test_call_runs_without_channel_layer_and_broker(own_gateway, call):
    gateway = own_gateway(REDIS_URL="redis://127.0.0.1:9/0")

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.say("Hello.")
        line.wait_for_turn("counselor")
        reason = line.hang_up()

    wait_for_end(call)
    assert (reason, call.status) == ("hung_up", "completed")
    assert call.evaluations.count() == 1
