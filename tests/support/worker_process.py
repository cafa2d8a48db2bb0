"""Celery worker with an embedded beat scheduler, as a real process on Redis and the test's database."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.voicegateway.gateway_process import ROOT, TIMEOUT, process_environment


class WorkerProcess:
    """Worker process that starts with the object and stops at the end of its `with` block."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        self.log_path = folder / "worker"
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "prefork", "--concurrency", "2"]
        command += ["--beat", "--schedule", str(folder / "schedule"), "--scheduler", "celery.beat.Scheduler"]
        environment = {"REDIS_URL": redis_url, "SWEEP_EVERY": "1", "RECORDING_LOST_AFTER": "1.5"} | environment
        with self.log_path.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--loglevel", "info"],
                cwd=ROOT,
                env=process_environment("http://127.0.0.1:9/v1") | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
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
