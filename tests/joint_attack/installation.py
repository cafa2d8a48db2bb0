"""A whole installation as the Procfile runs it, as processes of this machine, and its Redis, which can be stopped."""

import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.servers import free_port, require_program
from tests.support.web_process import WebProcess
from tests.support.worker_process import BeatProcess, QueueWorkers
from tests.voicegateway.gateway_process import GatewayProcess, wait_until

INSIDE, OUTSIDE = "greetings,sweeps,grades,imports", "webhooks,mails"  # as in the Procfile


class RedisServer:
    """A Redis server that can be stopped and started again on the same port, empty as after a crash."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = Path(tempfile.mkdtemp(prefix="steadyline-redis-"))
        self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        self.process = subprocess.Popen([str(require_program("redis-server")), *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)


class Installation:
    """Web server, gateway, both workers, and beat. Everything has the settings of production, except for `options`.

    The gateway has a simulation of OpenAI to itself, because the real one is more than one process.
    """

    def __init__(
        self, folder: Path, openai_url: str, calls_url: str, storage_url: str, redis_url: str, **options: str
    ) -> None:
        self.folder, self.openai_url, self.calls_url, self.redis_url = folder, openai_url, calls_url, redis_url
        self.options = options | {"STORAGE_URL": storage_url}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        start = self._running.enter_context
        shared = self.options | {"REDIS_URL": self.redis_url}
        self.gateway = start(GatewayProcess(self.folder, self.calls_url, **shared))
        self.web = start(
            WebProcess(self.folder, **shared, GATEWAY_URL=self.gateway.url, OPENAI_BASE_URL=self.openai_url)
        )
        self.worker = start(self._workers(INSIDE))
        self.worker_outside = start(self._workers(OUTSIDE))
        self.beat = start(BeatProcess(self.folder, self.redis_url, **self.options))
        return self

    def __exit__(self, *_: Any) -> None:
        self._running.close()

    def _workers(self, queues: str) -> QueueWorkers:
        return QueueWorkers(self.folder, self.redis_url, self.openai_url, queues, **self.options)

    def kill_worker(self) -> None:
        """Kill the worker for greetings and grades with all of its processes, as the loss of its host would."""
        self.worker.kill()

    def start_worker(self) -> None:
        self.worker = self._running.enter_context(self._workers(INSIDE))
