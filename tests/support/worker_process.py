"""Celery worker with an embedded beat scheduler, as a real process on Redis and the test's database."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support.forked_program import ForkedProgram
from tests.voicegateway.gateway_process import TIMEOUT, process_environment


class WorkerProcess:
    """Worker process. Creating the object starts it, and leaving its `with` block stops it."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        self.log_path = folder / "worker"
        options = ["--pool", "prefork", "--concurrency", "2", "--loglevel", "info"]
        options += ["--beat", "--schedule", str(folder / "schedule"), "--scheduler", "celery.beat.Scheduler"]
        environment = {"REDIS_URL": redis_url, "SWEEP_EVERY": "1", "RECORDING_LOST_AFTER": "1.5"} | environment
        with self.log_path.open("w") as output:
            self.process = ForkedProgram(
                "celery",
                *("-A", "config", "worker", *options),
                env=process_environment("http://127.0.0.1:9/v1") | environment,
                output=output,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log_path.read_text()

    def __enter__(self) -> "WorkerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(TIMEOUT)


def find_children(pid: int) -> list[int]:
    """Return the ids of the processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def find_descendants(pid: int) -> list[int]:
    """Return the ids of a process's children, their children, and so on."""
    found = [pid]
    for parent in found:
        found += find_children(parent)
    return found[1:]


class KilledProcess:
    """A process that is killed at the end of the `with` block, together with its children."""

    def __init__(self, folder: Path, module: str, *arguments: str, **environment: str) -> None:
        self.log_path = folder / f"{module}-{len(list(folder.iterdir()))}"
        with self.log_path.open("w") as output:
            self.process = ForkedProgram(module, *arguments, env=environment, output=output, start_new_session=True)

    @property
    def output(self) -> str:
        return self.log_path.read_text()

    def kill(self) -> None:
        """Kill the worker and all of its processes at once, as the loss of a host would."""
        if self.process.poll() is None:
            # Some queues have a session of their own, so killing the process group would miss them.
            for pid in [self.process.pid, *find_descendants(self.process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class QueueWorkers(KilledProcess):
    """The workers of some queues, as the Procfile runs them."""

    def __init__(self, folder: Path, redis_url: str, openai_url: str, queues: str, **environment: str) -> None:
        environment = process_environment(openai_url) | {"REDIS_URL": redis_url} | environment
        super().__init__(folder, "config.worker", "--queues", queues, **environment)


class BeatProcess(KilledProcess):
    """Beat as the Procfile runs it."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        environment = process_environment("http://127.0.0.1:9/v1") | {"REDIS_URL": redis_url} | environment
        super().__init__(folder, "celery", "-A", "config", "beat", "--loglevel", "info", **environment)
