"""A real gateway that is killed with SIGKILL repeatedly during one call."""

import random

import numpy as np
import pytest

from tests.recordings.simulated_call import numbered_samples
from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.gateway_process import spooled_microphone, wait_for_end
from tests.voicegateway.scripted_counselor import SAMPLE_RATE, ScriptedCounselor
from tests.voicegateway.test_gateway_calls import channels_of, finished_recording

KILLS = 20 if IS_PROVE_RUN else 2


@pytest.mark.timeout(300 + 20 * KILLS)
def test_call_survives_repeated_gateway_kills(own_gateway, standin, call):
    gateway = own_gateway()
    kill_times = random.Random(call.pk.int)
    shown: dict[str, str] = {}
    kept: list[bytes] = []
    epoch, revision = None, 0
    for number in range(KILLS):
        with ScriptedCounselor(gateway, call, last_revision=revision, displaces=epoch) as line:
            ready = line.wait_for("ready")
            epoch = ready["epoch"]
            line.speak(numbered_samples(number * 2 * SAMPLE_RATE, 2 * SAMPLE_RATE))
            line.say(f"Round {number}.")
            kill_time = kill_times.randrange(SAMPLE_RATE // 2, 2 * 2 * SAMPLE_RATE)
            line.wait(
                lambda line=line, kill_time=kill_time: len(line.microphone) >= kill_time, "the kill time is reached"
            )
            gateway.kill()
            line.wait_closed()
        shown |= {turn["item"]: turn["text"] for turn in line.turns if turn["final"]}
        revision = max([revision, *(turn["revision"] for turn in line.turns if turn["final"])])
        kept.append(spooled_microphone(call, epoch))
        forwarded_bytes = sum(
            event.get("audio_bytes", 0) for event in standin.logged_requests("realtime")[-1]["events"]
        )

        saved = dict(call.turns.filter(is_final=True).values_list("item", "text_heard"))
        assert (ready["resumed"], epoch) == (number > 0, number + 1)
        assert {item: saved.get(item) for item in shown} == shown
        assert bytes(line.microphone).startswith(kept[-1])
        assert len(kept[-1]) >= forwarded_bytes
        gateway.start()
    with ScriptedCounselor(gateway, call, last_revision=revision, displaces=epoch) as line:
        line.wait_for("ready")
        line.say("Still here.")
        line.wait(lambda: any(turn["text"] == "Still here." for turn in line.turns), "the call continues")
        line.hang_up()

    wait_for_end(call)
    recording = finished_recording(call)
    rounds = [turn.text_heard for turn in call.transcript() if turn.text_heard.startswith(("Round", "Still"))]
    left, _ = channels_of(recording)
    received = np.concatenate([np.frombuffer(piece[: len(piece) & ~1], "<i2") for piece in kept])
    assert rounds == [f"Round {number}." for number in range(KILLS)] + ["Still here."]
    assert (recording.state, recording.epochs.count(), call.status) == ("completed", KILLS + 1, "completed")
    assert np.array_equal(left[left != 0], received[received != 0])
