"""Recordings of calls, as a gateway makes them: held, spooled, shipped."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np

from config.storage.disk import PrivateFileStorage
from recordings.models import Recording, RecordingEpoch
from recordings.objects import StoreAway
from recordings.services.epochs import begin_recording
from recordings.services.leftovers import ship_leftovers
from recordings.storage import object_store
from tests.recordings.synthetic import RATE, Clock, counting
from training.models import EndReason, Session
from training.services.lines import let_go, take_line
from training.services.sessions import end_session


def hold(session: Session, seconds: float = 1.0, speak: bool = True) -> None:
    """An epoch of the call: the counselor speaks all the time, the caller is heard for half of it."""
    clock = Clock()
    epoch = take_line(session)
    assert epoch
    spool = begin_recording(session, epoch, clock)
    samples = round(seconds * RATE)
    clock.now += seconds
    if speak:
        spool.hear(counting(0, samples), 0)
        spool.speak(1, 0, counting(0, samples))
        spool.played(1, samples // 2, samples, True)
    spool.close()
    let_go(session.pk, epoch)


def hang_up(session: Session) -> None:
    end_session(session, EndReason.HUNG_UP)


def recorded(session: Session, seconds: float = 1.0) -> Recording:
    """A call that is over and shipped, its recording still to be finished."""
    hold(session, seconds)
    hang_up(session)
    assert ship_leftovers() == 1
    return Recording.objects.get(session=session)


def stereo_of(recording: Recording) -> np.ndarray:
    with recording.file.open("rb") as file, wave.open(io.BytesIO(file.read())) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)


def keys(prefix: str) -> list[str]:
    return [found.key for found in object_store().objects(prefix)]


def forget_host(session: Session) -> None:
    """Its gateway was last seen long ago."""
    RecordingEpoch.objects.filter(recording__session=session).update(seen_at="2020-01-01T00:00:00Z")


class AwayStorage(PrivateFileStorage):
    """A store that is away for everything that would be written."""

    def upload(self, key):
        raise StoreAway("SlowDown")


def use_storage(settings: Any, root: Path, backend: str = "config.storage.disk.PrivateFileStorage") -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": {"location": root}}}


class UnreadableStorage(PrivateFileStorage):
    def read_range(self, key, first, length):
        raise StoreAway("SlowDown")
