"""Worker with separate processes for each queue: `python -m config.worker --queues greetings,sweeps,grades,imports`.

In a single Celery worker, the long tasks of one queue can take all processes, so a greeting could wait for a grade.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread

import django
from django.conf import settings

from config.celery import app

# Added to the niceness of a queue's processes, so that long work in the background leaves the processor to greetings,
# grades, and pages.
NICENESS = {"imports": 15, "webhooks": 10, "mails": 10}
RESTART_AFTER = 1.0  # seconds from the end of a worker to the start of another one for its queue
MOST_RESTARTS, RESTARTS_WITHIN = 10, 60.0  # restarts, seconds; if more are needed, something is wrong with all of them
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def main(arguments: list[str]) -> int:
    """Run one Celery worker for each queue until a signal stops them. Return the exit status.

    A worker that ends on its own is started again. If that happens too often, all stop.
    """
    options = parse_arguments(arguments)
    # Load everything before forking, so that all processes share the memory.
    django.setup()
    app.loader.import_default_modules()
    stopped_by: list[int] = []
    alive_reader, alive_writer = os.pipe()

    def start(queue: str) -> int:
        return _fork_worker(queue, options.loglevel, alive_reader, alive_writer)

    workers = {start(queue): queue for queue in dict.fromkeys(options.queues)}
    for number in STOP_SIGNALS:
        signal.signal(number, lambda received, _frame: _forward(received, workers, stopped_by))
    return _keep_running(workers, start, stopped_by)


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="config.worker", description=__doc__)
    parser.add_argument("--queues", type=_queue_names, default=list(settings.QUEUES), help="names, separated by commas")
    parser.add_argument("--loglevel", default="info")
    return parser.parse_args(arguments)


def _queue_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or (unknown := set(names) - set(settings.QUEUES)):
        listed = ", ".join(sorted(unknown)) if names else text
        raise argparse.ArgumentTypeError(f"unknown queues: {listed!r}. Choose from {', '.join(settings.QUEUES)}")
    return names


def _fork_worker(queue: str, loglevel: str, alive_reader: int, alive_writer: int) -> int:
    """Start the worker of one queue as a child process. Return its id."""
    pid = os.fork()
    if pid:
        return pid
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # a worker that is started again inherits the parent's handlers
    os.close(alive_writer)
    if queue in NICENESS:
        _lower_priority(NICENESS[queue])
    Thread(target=_stop_with_parent, args=(alive_reader,), name="parent", daemon=True).start()
    app.worker_main(
        [
            "worker",
            *("--queues", queue, "--hostname", f"{queue}@%h", "--loglevel", loglevel),
            *("--pool", "prefork", "--concurrency", str(settings.WORKER_PROCESSES[queue])),
        ]
    )
    os._exit(0)


def _lower_priority(niceness: int) -> None:
    os.nice(niceness)
    # Linux may schedule each session as a group ("autogroup"). Niceness then counts inside the group only, and the
    # group has one of its own.
    os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))


def _stop_with_parent(alive_reader: int) -> None:
    """Stop this worker when its parent is gone: the kernel closes the other end of the pipe."""
    os.read(alive_reader, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _forward(number: int, workers: Mapping[int, str], stopped_by: list[int]) -> None:
    stopped_by.append(number)
    for pid in list(workers):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _keep_running(workers: dict[int, str], start: Callable[[str], int], stopped_by: list[int]) -> int:
    """Wait until all workers have ended. Restart those that end on their own, such as after losing the broker."""
    ended: deque[float] = deque(maxlen=MOST_RESTARTS)
    status = 0
    while workers:
        pid, _status = os.wait()
        queue = workers.pop(pid, "")
        if not queue or stopped_by:
            continue
        ended.append(time.monotonic())
        if len(ended) == MOST_RESTARTS and ended[-1] - ended[0] < RESTARTS_WITHIN:
            print(f"Workers keep ending, most recently for the queue {queue}. Stopping.", file=sys.stderr, flush=True)
            status = 1
            _forward(signal.SIGTERM, workers, stopped_by)
            continue
        print(f"The worker for the queue {queue} ended. Starting another one.", file=sys.stderr, flush=True)
        time.sleep(RESTART_AFTER)
        if not stopped_by:
            workers[pid := start(queue)] = queue
            if stopped_by:  # the signal came while it started
                os.kill(pid, stopped_by[-1])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
