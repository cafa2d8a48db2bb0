"""Time and memory taken to finish and play an hour of audio, as JSON: `python -m benchmarks.recordings URL`.

URL is the storage of the recordings: empty for a new folder, or a bucket on an S3 server. The spool is uploaded in
segments of 5 s, as a gateway does. Finishing and playing each run in their own process.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

SAMPLE_RATE = 24_000
SECONDS = 3600
TURN = 12  # seconds; the caller speaks for half of it
SEEK_COUNT = 200


class FinishFigures(TypedDict):
    """Cost of building the WAV file."""

    finish_seconds: float
    finish_cpu_seconds: float
    finish_mb_above_idle: float
    finish_mb_peak: float
    file_mb: float


class PlaybackFigures(TypedDict):
    """Cost of playing the WAV file."""

    seek_ms: float  # median time to the first block of a range
    play_mb_above_idle: float


class RecordingFigures(FinishFigures, PlaybackFigures):
    """Figures of one storage."""


def set_up(scratch: Path, storage_url: str) -> None:
    import django  # noqa: PLC0415  (settings read the environment prepared here)

    from config.launcher.environment import UNREACHABLE_URL, demo_environment, standin_environment  # noqa: PLC0415

    os.environ.update(demo_environment(scratch, 8000, 8001, {}) | standin_environment(UNREACHABLE_URL, {}))
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ.update({"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"})
    if storage_url:
        os.environ["STORAGE_URL"] = storage_url
    django.setup()


def memory_mb(field: str = "VmRSS") -> float:
    """Return a memory field of /proc/self/status in MB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return float(found[1]) / 1024 if found else 0.0


def reset_peak_memory() -> float:
    """Reset the peak memory reading and return the MB in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory_mb()


def prepare() -> None:
    """Create a call of one hour whose audio is spooled and uploaded, but not finished."""
    from django.core.management import call_command  # noqa: PLC0415

    from accounts.models import Organization, User  # noqa: PLC0415
    from recordings.models import RecordingEpoch  # noqa: PLC0415
    from recordings.services.epochs import seal_epoch, start_recording  # noqa: PLC0415
    from recordings.services.spools import create_uploader  # noqa: PLC0415
    from tests.recordings.simulated_call import ManualClock, microphone_frames, numbered_samples  # noqa: PLC0415
    from training.models import EndReason  # noqa: PLC0415
    from training.services.call_leases import acquire_call, release_call  # noqa: PLC0415
    from training.services.session_start import start_free_practice  # noqa: PLC0415
    from training.services.sessions import end_session  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    center = Organization.objects.create(name="Measured")
    counselor = User.objects.create_user("bench@example.org", organization=center)
    session, _ = start_free_practice(counselor, "phone")
    assert acquire_call(session)
    clock = ManualClock()
    began = clock.now
    spool, uploader = start_recording(session, 1, clock=clock), create_uploader(session, 1)
    for sent, index, samples in microphone_frames(SECONDS, SAMPLE_RATE // 10):
        clock.now = began + sent
        spool.record_microphone(numbered_samples(index, samples), index)
        item, within = divmod(index, TURN * SAMPLE_RATE)
        if within == 0:
            spool.record_caller(item + 1, 0, numbered_samples(0, TURN // 2 * SAMPLE_RATE))
        if within < TURN // 2 * SAMPLE_RATE:
            is_last = within + samples == TURN // 2 * SAMPLE_RATE
            spool.record_playback(item + 1, within + samples, index + samples, is_last)
        if (index + samples) % (5 * SAMPLE_RATE) == 0:
            uploader.upload()
    spool.close()
    release_call(session.pk, 1)
    seal_epoch(RecordingEpoch.objects.get(), uploader.seal())
    end_session(session, EndReason.HUNG_UP)


def finish() -> FinishFigures:
    from recordings.models import Recording  # noqa: PLC0415
    from recordings.services.finishing import finish_recording  # noqa: PLC0415
    from recordings.storage import object_store  # noqa: PLC0415

    # First load and open what a real worker has loaded by the time of its first recording.
    list(object_store().list_objects("recordings/"))
    recording = Recording.objects.get()
    idle = reset_peak_memory()
    begun, worked = time.perf_counter(), time.process_time()
    assert finish_recording(recording.pk)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    recording.refresh_from_db()
    assert (recording.state, recording.duration_ms) == ("completed", SECONDS * 1000), recording.state
    return {
        "finish_seconds": seconds,
        "finish_cpu_seconds": cpu,
        "finish_mb_above_idle": memory_mb("VmHWM") - idle,
        "finish_mb_peak": memory_mb("VmHWM"),
        "file_mb": (recording.size or 0) / 1e6,
    }


def play() -> PlaybackFigures:
    """Play through the real view: seeks all over the file, then the whole file."""
    from django.test import AsyncClient  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from recordings.models import Recording  # noqa: PLC0415

    recording = Recording.objects.get()
    client = AsyncClient()
    client.force_login(User.objects.get())
    path = f"/recordings/{recording.pk}/audio/"
    size = recording.size or 0

    async def read(first: int, last: int) -> tuple[float, int]:
        """Read a byte range and return the seconds to its first block and the bytes received."""
        begun = time.perf_counter()
        answer = await client.get(path, headers={"Range": f"bytes={first}-{last}"})
        first_block_seconds, length = 0.0, 0
        async for block in answer:
            first_block_seconds = first_block_seconds or time.perf_counter() - begun
            length += len(block)
        return first_block_seconds, length

    async def measure() -> PlaybackFigures:
        await read(0, 1)
        idle = reset_peak_memory()
        offsets = [number * 7919 * 65_536 % (size - 65_536) for number in range(SEEK_COUNT)]
        waits = sorted([(await read(offset, offset + 65_535))[0] for offset in offsets])
        _, length = await read(0, size - 1)
        assert length == size
        return {"seek_ms": 1000 * waits[SEEK_COUNT // 2], "play_mb_above_idle": memory_mb("VmHWM") - idle}

    return asyncio.run(measure())


def main(storage_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch:
        figures: dict[str, float] = {}
        for step in STEPS:
            command = [sys.executable, "-m", "benchmarks.recordings", step, scratch, storage_url]
            figures |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(json.dumps(figures))


STEPS = {"prepare": prepare, "finish": finish, "play": play}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STEPS:
        set_up(Path(sys.argv[2]), sys.argv[3])
        print(json.dumps(STEPS[sys.argv[1]]() or {}))
    else:
        main(sys.argv[1] if sys.argv[1:] else "")
