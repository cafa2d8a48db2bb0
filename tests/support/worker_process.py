"""Celery worker with an embedded beat scheduler, as a real process on Redis and the test's database."""

import signal
import subprocess
from pathlib import Path

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
