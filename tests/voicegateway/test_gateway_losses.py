"""A real gateway that is killed, stopped, cut off, or left without its database, its disk or the caller."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction
from websockets.exceptions import InvalidStatus

from recordings.models import spool_folder
from recordings.services.leftovers import ship_leftovers
from tests.recordings.synthetic import counting, epoch_in
from tests.voicegateway.gateway_process import upstream_events, wait_for_end, wait_until
from tests.voicegateway.line import FRAME, RATE, Line, tone
from tests.voicegateway.test_gateway_process import channels_of, finished, lines_of, place_of
from training.models import Session
from training.services.sessions import sweep_sessions

pytestmark = pytest.mark.heavy

LOST_AND_BACK = ["caller_reconnecting", "caller_back"]


def send_counted(line: Line, samples: int) -> bytes:
    """Sound in which every sample tells its number; at once, so no more than four seconds."""
    for index in range(0, samples, FRAME):
        line.send_frame(counting(index, FRAME), index)
    return counting(0, samples)


def wait_until_received(standin, samples: int) -> None:
    """The gateway keeps sound before it passes it on."""

    def look() -> bool:
        appended = [e for e in standin.ledger("realtime")[-1]["events"] if e["type"] == "input_audio_buffer.append"]
        return sum(event["audio_bytes"] for event in appended) >= 2 * samples

    wait_until(look, "all sound has reached the stand-in")


def resume(gateway, session: Session, **options) -> Line:
    """A socket to the same call, as soon as the line is free."""

    def attempt() -> Line | None:
        try:
            return Line(gateway, session, **options)
        except InvalidStatus as refused:
            assert b"in_use" in refused.response.body, refused.response.body
            return None

    return wait_until(attempt, "the line is free again")


def is_free(session: Session) -> bool:
    return Session.objects.filter(pk=session.pk, is_held=False).exists()


def test_a_call_is_taken_up_again_where_it_broke_off(gateway, standin, call):
    with Line(gateway, call) as line:
        line.wait_for("ready")
        first_words = tone(0.3)
        line.say("Before the gap.")
        line.speak(first_words)
        line.wait_for_turn("counselor")
        line.wait(lambda: len(line.microphone) > 2 * len(first_words), "the tone was sent")
        line.drop()
    recorded_since = epoch_in(spool_folder(call.pk, 1)).wall
    with resume(gateway, call, last_revision=1) as line:
        ready = line.wait_for("ready")
        line.say("After the gap.")
        line.wait(lambda: any(turn["text"] == "After the gap." for turn in line.turns), "the new words")
        told_again = [turn["text"] for turn in line.turns]
        later_words = line.speak(tone(0.3, hertz=660))
        line.wait(lambda: len(line.microphone) // 2 > later_words + 0.5 * RATE, "the second tone was sent")
        line.hang_up()

    wait_for_end(call)
    replayed = upstream_events(standin, "conversation.item.create")
    assert (ready["resumed"], call.epoch) == (True, 2)
    assert [item["item"]["content"][0]["text"] for item in replayed][0] == "Before the gap."
    assert "Before the gap." not in told_again  # revision 1: the page has it
    assert [text for role, text, _ in lines_of(call) if "gap" in text] == ["Before the gap.", "After the gap."]
    recording = finished(call)
    left, _ = channels_of(recording)
    began, went_on = place_of(first_words[:4800], left), place_of(tone(0.1, hertz=660), left)
    spoken_at = line.began_wall - recorded_since + later_words / RATE
    assert (recording.state, recording.epochs.count()) == ("completed", 2)
    assert not left[began + len(first_words) // 2 + RATE // 20 : went_on].any()
    assert went_on / RATE == pytest.approx(spoken_at, abs=0.1)
    # On the recording's clock, across the gap.
    before, after = ([turn.start_ms for turn in call.turns.filter(epoch=number)] for number in (1, 2))
    [tone_turn] = [
        turn for turn in call.transcript() if turn.epoch == 2 and turn.source == "spoken" and turn.is_by_counselor
    ]
    assert max(before) < min(after)
    assert tone_turn.start_ms == pytest.approx(1000 * went_on / RATE, abs=400)


def test_after_a_kill_everything_received_is_on_disk_and_the_next_gateway_makes_it_a_recording(
    own_gateway, standin, call, settings
):
    settings.HEARTBEAT_LOST_AFTER = 0.5
    gateway = own_gateway(HEARTBEAT_EVERY="0.3", SWEEP_EVERY="0.3")
    with Line(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        line.say("Words.")
        line.wait_for_turn("counselor")
        wait_until(lambda: call.turns.filter(is_final=True).exists(), "the turn is saved")
        sent = send_counted(line, 36_000)
        wait_until_received(standin, 36_000)

        gateway.kill()

    spooled = spool_folder(call.pk, 1) / "microphone.pcm"
    assert spooled.read_bytes() == sent
    assert epoch_in(spooled.parent).is_closed is False
    wait_until(sweep_sessions, "the sweep ends the call")
    gateway.begin()
    recording = finished(call)
    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("abandoned", "line_lost")
    assert lines_of(call)[0] == ("counselor", "Words.", False)
    assert recording.state == "completed"
    assert sent in channels_of(recording)[0].tobytes()


def test_after_a_kill_the_call_goes_on_with_another_gateway(own_gateway, standin, call):
    gateway = own_gateway(HEARTBEAT_EVERY="0.3")
    with Line(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        sent = send_counted(line, 12_000)
        wait_until_received(standin, 12_000)
        gateway.kill()
    gateway.begin()

    with resume(gateway, call, microphone=False) as line:
        ready = line.wait_for("ready")
        line.say("Are you still there?")
        line.wait_for_turn("counselor")
        line.hang_up()

    recording = finished(call)
    call.refresh_from_db()
    assert (ready["resumed"], call.epoch, call.status) == (True, 2, "completed")
    assert sent in channels_of(recording)[0].tobytes()
    assert (recording.state, recording.epochs.count()) == ("completed", 2)


def test_a_stopped_gateway_saves_everything_and_leaves_the_call_open(own_gateway, call):
    gateway = own_gateway()
    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.speak(tone(0.4))
        line.say("quokkawords")
        line.wait(lambda: len(line.microphone) > RATE, "half a second was spoken")

        status = gateway.stop()
        code = line.wait_closed()

    call.refresh_from_db()
    spool = epoch_in(spool_folder(call.pk, 1))
    assert (code, status) == (1012, 0)
    assert "Traceback" not in gateway.output
    assert (call.status, call.is_held) == ("active", False)
    assert ("counselor", "quokkawords", False) in lines_of(call)
    assert not call.turns.filter(is_final=False).exists()
    assert (spool.is_closed, spool.failure) == (True, None)
    assert spool.counselor


def test_a_caller_who_never_answers_ends_the_call_as_failed(gateway, standin, call):
    standin.faults("realtime", {"status": 503}, times=None)

    with Line(gateway, call) as line:
        reason = line.wait_for_end()

    wait_for_end(call)
    assert (reason, call.status, call.end_reason, call.is_gradable) == ("caller_lost", "failed", "caller_lost", False)
    assert finished(call).state in {"absent", "completed"}


def test_a_caller_lost_in_mid_call_is_back_soon_and_knows_what_was_heard(gateway, standin, call):
    standin.faults("realtime", {"drop": True, "at_type": "response.output_audio.delta", "at_event": 4})

    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.say("Hello?")
        line.wait(lambda: [notice["code"] for notice in line.of("notice")] == LOST_AND_BACK, "the caller is back")
        line.say("Are you still there?")
        line.wait_for_turn("counselor", 2)
        line.wait(lambda: len(upstream_events(standin, "response.create")) >= 1, "an answer is asked for")
        reason = line.hang_up()

    wait_for_end(call)
    first, second = standin.ledger("realtime")
    replayed = [item["item"]["content"][0]["text"] for item in upstream_events(standin, "conversation.item.create")]
    assert (reason, call.status) == ("hung_up", "completed")
    assert (bool(first["ended"]), bool(second["ended"])) == (True, True)
    assert replayed[0] == "Hello?"
    assert upstream_events(standin, "session.update", 0) == upstream_events(standin, "session.update", 1)
    assert not call.turns.filter(is_final=False).exists()
    assert finished(call).state == "completed"


@contextlib.contextmanager
def database_locked() -> Iterator[None]:
    """Nobody else can write turns or sessions meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE training_session, training_transcriptturn IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_database_that_does_not_answer_costs_no_audio_and_no_words(gateway, standin, call):
    with Line(gateway, call) as line:
        line.wait_for("ready")
        with database_locked():
            spoken_at = line.speak(tone(0.5))
            line.say("While it is away.")
            line.wait_for_turn("counselor")
            # Longer than two heartbeats, which also wait.
            line.wait(lambda: len(line.microphone) // 2 > spoken_at + 2 * RATE, "two seconds went by")
        line.hang_up()

    wait_for_end(call)
    assert ("counselor", "While it is away.", False) in lines_of(call)
    left, _ = channels_of(finished(call))
    assert tone(0.1) in left.tobytes()


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk with room for two seconds of sound."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_ends_the_recording_not_the_call(own_gateway, small_disk, call, settings):
    gateway = own_gateway(SPOOL_DIR=str(small_disk), DISK_PER_CALL="0")
    settings.SPOOL_DIR = small_disk
    with Line(gateway, call, microphone=False) as line:
        line.wait_for("ready")
        sent = send_counted(line, 3 * RATE)
        line.say("Still talking.")
        line.wait_for_turn("counselor")
        reason = line.hang_up()
    gateway.kill()

    wait_for_end(call)
    kept = (spool_folder(call.pk, 1) / "microphone.pcm").read_bytes()
    ship_leftovers()
    recording = finished(call)
    left, _ = channels_of(recording)
    assert (reason, recording.state) == ("hung_up", "partial")
    assert "space" in recording.reason
    assert RATE < len(kept) < len(sent)
    assert left[: len(kept) // 2].tobytes() == sent[: len(kept)]


def test_a_channel_layer_and_broker_that_are_away_do_not_stop_a_call(own_gateway, call):
    gateway = own_gateway(REDIS_URL="redis://127.0.0.1:9/0")

    with Line(gateway, call) as line:
        line.wait_for("ready")
        line.say("Hello.")
        line.wait_for_turn("counselor")
        reason = line.hang_up()

    wait_for_end(call)
    assert (reason, call.status) == ("hung_up", "completed")
    assert call.evaluations.count() == 1
