"""Finishes an hour of audio and plays from it, and prints what it took, as JSON: `python -m benchmarks.recordings URL`.

URL is where the recordings are kept: nothing for a new folder, or an S3 server's bucket. The spool is shipped in
segments of five seconds, as a gateway does; finishing and playing each happen in a process of their own.
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
from typing import Any

RATE = 24_000
SECONDS = 3600
TURN = 12  # seconds: half of it the caller's
SEEKS = 200


def set_up(scratch: Path, storage_url: str) -> None:
    import django  # noqa: PLC0415  (the settings are read from the environment that is made here)

    from config.launcher_environment import NOBODY, standin_environment, tryout_environment  # noqa: PLC0415

    os.environ.update(tryout_environment(scratch, 8000, 8001, {}) | standin_environment(NOBODY, {}))
    os.environ["ALLOWED_HOSTS"] = "testserver"
    os.environ.update({"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"})
    if storage_url:
        os.environ["STORAGE_URL"] = storage_url
    django.setup()


def memory(field: str = "VmRSS") -> float:
    """In MB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return float(found[1]) / 1024 if found else 0.0


def forget_peak() -> float:
    """The peak begins anew; what is held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory()


def prepare() -> None:
    """A call of an hour, spooled and shipped; nobody has finished it."""
    from django.core.management import call_command  # noqa: PLC0415

    from accounts.models import Organization, User  # noqa: PLC0415
    from recordings.models import RecordingEpoch  # noqa: PLC0415
    from recordings.services.epochs import begin_recording, seal_epoch  # noqa: PLC0415
    from recordings.services.leftovers import shipper_for  # noqa: PLC0415
    from tests.recordings.synthetic import Clock, counting, microphone_frames  # noqa: PLC0415
    from training.models import EndReason  # noqa: PLC0415
    from training.services.lines import let_go, take_line  # noqa: PLC0415
    from training.services.sessions import end_session, start_free_practice  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    center = Organization.objects.create(name="Measured")
    counselor = User.objects.create_user("bench@example.org", organization=center)
    session, _ = start_free_practice(counselor, "phone")
    assert take_line(session)
    clock = Clock()
    began = clock.now
    spool, shipper = begin_recording(session, 1, clock), shipper_for(session, 1)
    for sent, index, samples in microphone_frames(SECONDS, RATE // 10):
        clock.now = began + sent
        spool.hear(counting(index, samples), index)
        item, within = divmod(index, TURN * RATE)
        if within == 0:
            spool.speak(item + 1, 0, counting(0, TURN // 2 * RATE))
        if within < TURN // 2 * RATE:
            spool.played(item + 1, within + samples, index + samples, within + samples == TURN // 2 * RATE)
        if (index + samples) % (5 * RATE) == 0:
            shipper.ship()
    spool.close()
    let_go(session.pk, 1)
    seal_epoch(RecordingEpoch.objects.get(), shipper.seal())
    end_session(session, EndReason.HUNG_UP)


def finish() -> dict[str, Any]:
    from recordings.models import Recording  # noqa: PLC0415
    from recordings.services.finishing import finish_recording  # noqa: PLC0415
    from recordings.storage import object_store  # noqa: PLC0415

    # What any worker has loaded and opened before its first recording.
    list(object_store().objects("recordings/"))
    recording = Recording.objects.get()
    idle = forget_peak()
    begun, worked = time.perf_counter(), time.process_time()
    assert finish_recording(recording.pk)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    recording.refresh_from_db()
    assert (recording.state, recording.duration_ms) == ("completed", SECONDS * 1000), recording.state
    return {
        "finish_seconds": seconds,
        "finish_cpu_seconds": cpu,
        "finish_mb_above_idle": memory("VmHWM") - idle,
        "finish_mb_peak": memory("VmHWM"),
        "file_mb": (recording.size or 0) / 1e6,
    }


def play() -> dict[str, Any]:
    """Through the view itself: seeks all over the file, and then the whole of it."""
    from django.test import AsyncClient  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415
    from recordings.models import Recording  # noqa: PLC0415

    recording = Recording.objects.get()
    client = AsyncClient()
    client.force_login(User.objects.get())
    path = f"/recordings/{recording.pk}/audio/"
    size = recording.size or 0

    async def read(first: int, last: int) -> tuple[float, int]:
        """Seconds to the first block, and bytes."""
        begun = time.perf_counter()
        answer = await client.get(path, headers={"Range": f"bytes={first}-{last}"})
        came, length = 0.0, 0
        async for block in answer:
            came = came or time.perf_counter() - begun
            length += len(block)
        return came, length

    async def listen() -> dict[str, Any]:
        await read(0, 1)
        idle = forget_peak()
        spots = [number * 7919 * 65_536 % (size - 65_536) for number in range(SEEKS)]
        waits = sorted([(await read(spot, spot + 65_535))[0] for spot in spots])
        _, length = await read(0, size - 1)
        assert length == size
        return {"seek_ms": 1000 * waits[SEEKS // 2], "play_mb_above_idle": memory("VmHWM") - idle}

    return asyncio.run(listen())


def main(storage_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch:
        figures: dict[str, Any] = {}
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
