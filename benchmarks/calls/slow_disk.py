"""The gateway on a simulated disk whose syncs take 30 ms: `python -m benchmarks.calls.slow_disk --port 0`.

As on ext4, an append to any file waits while a sync commits.
"""

import threading
import time

from config.gateway import server
from recordings.audio import append_only_file
from recordings.audio.append_only_file import AppendOnlyFile

SYNC_SECONDS = 0.03

_committing = threading.Lock()
_append = AppendOnlyFile.append


def sync_slowly(fd: int) -> int:
    with _committing:
        time.sleep(SYNC_SECONDS)
    return 0


def append_between_syncs(file: AppendOnlyFile, data: bytes) -> bool:
    with _committing:
        return _append(file, data)


if __name__ == "__main__":
    append_only_file._fdatasync = append_only_file._syncfs = sync_slowly
    AppendOnlyFile.append = append_between_syncs  # type: ignore[method-assign]
    server.main()
