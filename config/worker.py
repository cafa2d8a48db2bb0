"""Worker with separate processes for each queue: `python -m config.worker --queues greetings,sweeps,grades,imports`.

In a single Celery worker, the long tasks of one queue can take all processes, so a greeting could wait for a grade.
"""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from threading import Thread

import django
from django.conf import settings

from config.celery import app

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def main(arguments: list[str]) -> int:
    """Run one Celery worker for each queue until a signal stops them or one of them ends. Return the exit status."""
    options = parse_arguments(arguments)
    # Load everything before forking, so that all processes share the memory.
    django.setup()
    app.loader.import_default_modules()
    stopped_by: list[int] = []
    alive_reader, alive_writer = os.pipe()
    workers = {
        _fork_worker(queue, options.loglevel, alive_reader, alive_writer): queue
        for queue in dict.fromkeys(options.queues)
    }
    for number in STOP_SIGNALS:
        signal.signal(number, lambda received, _frame: _forward(received, workers, stopped_by))
    return _wait_for_all(workers, stopped_by)


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
    os.close(alive_writer)
    Thread(target=_stop_with_parent, args=(alive_reader,), name="parent", daemon=True).start()
    app.worker_main(
        [
            "worker",
            *("--queues", queue, "--hostname", f"{queue}@%h", "--loglevel", loglevel),
            *("--pool", "prefork", "--concurrency", str(settings.WORKER_PROCESSES[queue])),
        ]
    )
    os._exit(0)


def _stop_with_parent(alive_reader: int) -> None:
    """Stop this worker when its parent is gone: the kernel closes the other end of the pipe."""
    os.read(alive_reader, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _forward(number: int, workers: Mapping[int, str], stopped_by: list[int]) -> None:
    stopped_by.append(number)
    for pid in list(workers):
        os.kill(pid, number)


def _wait_for_all(workers: dict[int, str], stopped_by: list[int]) -> int:
    """Wait until all workers have ended. If one ends on its own, stop the others, so that all restart together."""
    failed = False
    while workers:
        pid, _status = os.wait()
        queue = workers.pop(pid, "")
        if queue and not stopped_by:
            print(f"The worker for the queue {queue} ended. Stopping the others.", file=sys.stderr, flush=True)
            failed = True
            _forward(signal.SIGTERM, workers, stopped_by)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
