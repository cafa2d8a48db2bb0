"""Duration of a sync on the disk that holds a benchmark's recordings."""

import os
import tempfile
from statistics import median
from time import perf_counter

from benchmarks.calls.report import DiskFigures

SYNCS, APPENDED_BYTES = 200, 4096


def measure_disk() -> DiskFigures:
    times = []
    with tempfile.TemporaryFile(prefix="steadyline-bench-") as file:
        for _ in range(SYNCS):
            os.write(file.fileno(), bytes(APPENDED_BYTES))
            began = perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (perf_counter() - began))
    times.sort()
    return {"median": median(times), "p99": times[int(0.99 * (SYNCS - 1))]}
