"""Whole calls through a real gateway process: audio, transcript, and recording."""

import hashlib
import wave

import numpy as np
import pytest

from recordings.models import Recording, spool_folder
from recordings.services.finishing import sweep_recordings
from tests.recordings.simulated_call import read_epoch
from tests.voicegateway.gateway_process import upstream_events, wait_for_end, wait_until
from tests.voicegateway.scripted_counselor import SAMPLE_RATE, ScriptedCounselor, tone
from training.models import EndReason, Session, TranscriptTurn
from training.services import greetings, sessions

GREETING = "Hi. I didn't know if anyone would pick up. I'm not even sure why I called."


def set_greeting(session: Session, line: str = GREETING) -> None:
    Session.objects.filter(pk=session.pk).update(greeting=line, greeting_status=Session.Greeting.READY)


def wait_for_caller_words(line: ScriptedCounselor, number: int = 1) -> None:
    """Wait until `number` caller turns have words.

    Audio alone is not enough: the page must have reported the playback of whole words.
    """
    line.wait(
        lambda: len({turn["item"] for turn in line.turns if turn["role"] == "caller"}) >= number,
        f"{number} caller turns have words",
    )


def transcript_lines(session: Session) -> list[tuple[str, str, bool]]:
    return [(turn.role, turn.text_heard, turn.is_interrupted) for turn in session.transcript()]


def finished_recording(session: Session) -> Recording:
    """Wait until the gateway has uploaded the recording, assemble it in this process, and return it."""
    waiting = [Recording.State.RECORDING, Recording.State.PROCESSING]
    recordings = Recording.objects.filter(session=session).exclude(state__in=waiting)

    def find_recording() -> Recording | None:
        sweep_recordings()
        return recordings.first()

    recording: Recording = wait_until(find_recording, "the recording is finished")
    return recording


def channels_of(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    with recording.file.open("rb") as file, wave.open(file) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, SAMPLE_RATE)
        stereo = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def test_prepared_greeting_is_the_callers_first_line(gateway, standin, call):
    greetings.prepare_greeting(call.pk)
    call.refresh_from_db()

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.say("Crisis line, this is Sam.")
        line.wait_for_turn("caller")
        reason = line.hang_up()

    wait_for_end(call)
    assert (reason, call.status, call.end_reason) == ("hung_up", "completed", "hung_up")
    assert transcript_lines(call)[0] == ("counselor", "Crisis line, this is Sam.", False)
    assert [turn.text_generated for turn in call.transcript()][1] == call.greeting != ""
    assert [evaluation.status for evaluation in call.evaluations.all()] == ["queued"]


def test_late_greeting_opens_the_call_after_a_silence(own_gateway, standin, call):
    gateway = own_gateway(CALLER_OPENS_AFTER="2")

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        set_greeting(call)
        line.wait_for_sound(0.5)
        wait_for_caller_words(line)
        opened_at = line.playback_spans[1][0]
        line.hang_up()

    (request,) = upstream_events(standin, "response.create")
    (turn,) = call.transcript()
    assert opened_at >= 2 * SAMPLE_RATE
    assert f"««{GREETING}»»" in request["response"]["instructions"]
    assert GREETING.startswith(turn.text_generated)
    assert GREETING.startswith(turn.text_heard) and turn.text_heard
    assert (turn.role, turn.is_interrupted, turn.is_final) == ("caller", True, True)


@pytest.fixture
def interrupted_call(gateway, standin, call):
    """Run a call: answer, speak over the caller's greeting, hear a little of the answer, hang up."""
    set_greeting(call)
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.recorded_since = read_epoch(spool_folder(call.pk, 1)).wall_time
        line.speak(tone(0.8))
        line.wait_for_sound(0.4)
        wait_for_caller_words(line)
        line.speak(tone(1.2, hertz=660))
        line.wait_for_sound(0.5, item=2)
        wait_for_caller_words(line, 2)
        line.hang_up()
    return line


def test_barge_in_stops_the_caller_and_saves_heard_and_generated_text(interrupted_call, standin, call):
    turns = call.transcript()

    kinds = [event["type"] for event in standin.logged_requests("realtime")[0]["events"]]
    began, ended = interrupted_call.playback_spans[1]
    assert kinds.index("response.cancel") < kinds.index("conversation.item.truncate")
    truncated = upstream_events(standin, "conversation.item.truncate")[0]
    assert truncated["audio_end_ms"] == (ended - began) * 1000 // SAMPLE_RATE
    assert [turn.role for turn in turns] == ["counselor", "caller", "counselor", "caller"]
    assert [turn.is_interrupted for turn in turns] == [False, True, False, True]
    assert {(turn.source, turn.is_final) for turn in turns} == {("spoken", True)}
    assert [turn.start_ms for turn in turns] == sorted(turn.start_ms for turn in turns)
    assert GREETING.startswith(turns[1].text_generated)
    assert turns[1].text_generated.startswith(turns[1].text_heard)
    assert 0 < len(turns[1].text_heard) < len(turns[1].text_generated)


def test_recording_contains_both_voices_at_the_times_they_were_heard(interrupted_call, call, gateway):
    recording = finished_recording(call)

    left, right = channels_of(recording)
    line = interrupted_call
    began = round((line.started_at_wall - line.recorded_since) * SAMPLE_RATE)
    assert channel_lag_ms(line.microphone, left, began) == pytest.approx(0, abs=50)
    assert channel_lag_ms(line.loudspeaker, right, began) == pytest.approx(0, abs=50)
    cut, resumed = line.playback_spans[1][1], line.playback_spans[2][0]
    assert not right[began + cut + SAMPLE_RATE // 20 : began + resumed - SAMPLE_RATE // 20].any()
    with recording.file.open("rb") as file:
        data = file.read()
    assert (recording.state, recording.reason) == ("completed", "")
    assert (recording.size, recording.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert recording.duration_ms == len(left) * 1000 // SAMPLE_RATE
    loudest = [np.abs(channel.astype(int)).max() / 32768 for channel in (left, right)]
    assert [max(peaks) for peaks in recording.peaks] == pytest.approx(loudest, abs=0.001)
    wait_until(lambda: not (gateway.spool / str(call.pk)).exists(), "the spool is removed")


def channel_lag_ms(sound: bytes, channel: np.ndarray, began: int) -> int:
    """Return the delay of a recorded voice in milliseconds, measured by its loudness in steps of 5 ms."""
    heard, recorded = (loudness_profile(part) for part in (np.frombuffer(sound, "<i2"), channel[began:]))
    length = min(len(heard), len(recorded)) - 80
    fits = {lag: np.dot(heard[40 : 40 + length], recorded[40 + lag : 40 + lag + length]) for lag in range(-40, 41)}
    return 5 * max(fits, key=lambda lag: fits[lag])


def loudness_profile(samples: np.ndarray) -> np.ndarray:
    width = SAMPLE_RATE // 200
    return np.abs(samples[: len(samples) // width * width].reshape(-1, width).astype(float)).mean(axis=1)


def sample_position(sound: bytes | np.ndarray, channel: np.ndarray) -> int:
    """Return the exact position of the sound in the channel, in samples."""
    wanted = sound if isinstance(sound, bytes) else sound.tobytes()
    place = channel.tobytes().find(wanted)
    assert place >= 0, "the samples are not in the channel"
    return place // 2


def test_turns_are_saved_in_spoken_order_before_the_end_is_announced(gateway, standin, call):
    set_greeting(call)
    standin.add_fault("realtime", {"transcript": 1.5})
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.6))
        line.wait_for_sound(0.3)
        wait_for_caller_words(line)
        line.say("Take your time.")
        line.hang_up()
        lines = transcript_lines(call)

    announced = [
        turn["text"] for turn in line.messages_of_type("turn") if turn["role"] == "counselor" and turn["final"]
    ]
    assert [role for role, _, _ in lines] == ["counselor", "caller", "counselor"]
    assert "simulated transcript" in lines[0][1]
    assert lines[2] == ("counselor", "Take your time.", False)
    assert announced == [lines[2][1], lines[0][1]]
    assert not TranscriptTurn.objects.filter(is_final=False).exists()


def test_unrecorded_call_leaves_no_audio(gateway, call):
    with ScriptedCounselor(gateway, call, query="record=True") as line:
        ready = line.wait_for("ready")
        line.speak(tone(0.5))
        line.wait(lambda: len(line.microphone) > SAMPLE_RATE, "half a second of speech was sent")
        spools = list(gateway.spool.glob(str(call.pk)))
        line.hang_up()

    wait_for_end(call)
    assert ready["recording"] is False
    assert spools == []
    assert not Recording.objects.exists()


def test_pubsub_message_ends_the_call_before_the_next_heartbeat(own_gateway, call, redis_url, settings):
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    }
    gateway = own_gateway(REDIS_URL=redis_url, HEARTBEAT_EVERY="600")

    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        call.refresh_from_db()
        sessions.end_session(call, EndReason.HUNG_UP)
        reason = line.wait_for_end()

    assert reason == "ended_elsewhere"


def test_heartbeat_detects_a_call_that_ended_on_another_page(gateway, call):
    with ScriptedCounselor(gateway, call) as line:
        line.wait_for("ready")
        sessions.end_session(call, EndReason.FEEDBACK)
        reason = line.wait_for_end()
        code = line.wait_closed()

    call.refresh_from_db()
    assert (reason, code) == ("ended_elsewhere", 1000)
    assert (call.status, call.end_reason) == ("completed", "feedback")
