"""Recordings created the way a gateway creates them: acquire the call, spool its audio, and upload it."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
from django.core.files.storage import storages

from config.storage.disk import PrivateFileStorage
from recordings.models import Recording, RecordingEpoch
from recordings.object_store import StoreUnavailableError
from recordings.services.epochs import start_recording
from recordings.services.spools import upload_closed_spools
from recordings.storage import object_store
from tests.recordings.simulated_call import SAMPLE_RATE, ManualClock, numbered_samples
from tests.support.store_owner import mark_store
from training.models import EndReason, Session
from training.services.call_leases import acquire_call, release_call
from training.services.sessions import end_session


def record_epoch(session: Session, seconds: float = 1.0, speak: bool = True) -> None:
    """Record one epoch of the call. The counselor speaks throughout; the caller is heard for half of it."""
    clock = ManualClock()
    epoch = acquire_call(session)
    assert epoch
    spool = start_recording(session, epoch, clock=clock)
    samples = round(seconds * SAMPLE_RATE)
    clock.now += seconds
    if speak:
        spool.record_microphone(numbered_samples(0, samples), 0)
        spool.record_caller(1, 0, numbered_samples(0, samples))
        spool.record_playback(1, samples // 2, samples, True)
    spool.close()
    release_call(session.pk, epoch)


def hang_up(session: Session) -> None:
    end_session(session, EndReason.HUNG_UP)


def record_call(session: Session, seconds: float = 1.0) -> Recording:
    """Record a call, hang up, and upload its spool. Return its recording, not yet finished."""
    record_epoch(session, seconds)
    hang_up(session)
    assert upload_closed_spools() == 1
    return Recording.objects.get(session=session)


def read_stereo(recording: Recording) -> np.ndarray:
    with recording.file.open("rb") as file, wave.open(io.BytesIO(file.read())) as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)


def stored_keys(prefix: str) -> list[str]:
    return [found.key for found in object_store().list_objects(prefix)]


def make_gateway_look_lost(session: Session) -> None:
    """Make the call's gateway look lost, as if it was last seen in 2020."""
    RecordingEpoch.objects.filter(recording__session=session).update(seen_at="2020-01-01T00:00:00Z")


class FailingUploadStorage(PrivateFileStorage):
    """A store whose uploads fail as if it were unavailable."""

    def start_upload(self, key):
        raise StoreUnavailableError("SlowDown")


def use_storage(settings: Any, root: Path, backend: str = "config.storage.disk.PrivateFileStorage") -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": backend, "OPTIONS": {"location": root}}}
    mark_store(storages["default"])


class UnreadableStorage(PrivateFileStorage):
    def read_range(self, key, first, length):
        raise StoreUnavailableError("SlowDown")
