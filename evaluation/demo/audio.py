"""Audio of the demo's past calls, recorded through the same spool as a real call's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.demo.voices import read_line
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.models import Recording
from recordings.services.epochs import start_recording
from recordings.services.finishing import finish_recording
from recordings.services.spools import upload_closed_spools
from training.models import Session
from training.services.call_leases import acquire_call, release_call
from training.transcript import SpeakerRole

_TAIL_MS = 500  # recorded silence after the last turn


@dataclass(frozen=True)
class SpokenTurn:
    """A turn with its voice."""

    role: SpeakerRole
    voice: str
    text: str

    @property
    def samples(self) -> NDArray[np.int16]:
        return read_line(self.voice, self.text)

    @property
    def length_ms(self) -> int:
        return len(self.samples) * 1000 // SAMPLE_RATE


class _CallClock:
    """Clock of a call that takes no time."""

    def __init__(self) -> None:
        self.now = 0.0  # seconds

    def __call__(self) -> float:
        return self.now


def record_audio(session: Session, turns: Sequence[tuple[SpokenTurn, int]]) -> None:
    """Record a live session's turns, each from its start in milliseconds."""
    epoch = acquire_call(session)
    assert epoch
    clock = _CallClock()
    spool = start_recording(session, epoch, clock=clock)
    last, last_start = turns[-1]
    microphone = np.zeros(_sample_of(last_start + last.length_ms + _TAIL_MS), dtype=np.int16)
    clock.now = len(microphone) / SAMPLE_RATE
    for turn, start_ms in turns:
        if turn.role == SpeakerRole.COUNSELOR:
            start = _sample_of(start_ms)
            microphone[start : start + len(turn.samples)] = turn.samples
    spool.record_microphone(microphone.tobytes(), 0)
    for item, (turn, start_ms) in enumerate(turns, 1):
        if turn.role == SpeakerRole.CALLER:
            spool.record_caller(item, 0, turn.samples.tobytes())
            spool.record_playback(item, len(turn.samples), _sample_of(start_ms) + len(turn.samples), True)
    spool.close()
    release_call(session.pk, epoch)


def finish_recordings() -> None:
    """Upload and finish every recording, as a gateway and a worker would."""
    upload_closed_spools()
    for pk in Recording.objects.finishable().values_list("pk", flat=True):
        finish_recording(pk)


def _sample_of(ms: int) -> int:
    return ms * SAMPLE_RATE // 1000
