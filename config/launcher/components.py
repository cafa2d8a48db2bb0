"""Components of the demo: a crisis center's processes as threads, and the OpenAI stand-in as a child process."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from logging.handlers import RotatingFileHandler
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import Any

import uvicorn
from celery import Celery
from celery.beat import Service
from celery.concurrency.thread import ApplyResult, TaskPool  # type: ignore[attr-defined]  # not in the stubs
from celery.worker import WorkController
from django.conf import settings

from config.gateway.server import WEBSOCKET_OPTIONS
from config.launcher.bootstrap import SetupError
from config.log_formatter import IdFormatter

logger = logging.getLogger(__name__)

MAX_LOG_BYTES = 5_000_000  # bytes


class DemoStandin:
    """The OpenAI stand-in as a child process. It exits with this process, because the kernel closes its stdin."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "standins.openai", "--port", "0", "--exit-with-stdin", "--state", str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C in the terminal must not reach the stand-in: calls must close their connections to it first.
            start_new_session=True,
        )

    def url(self) -> str:
        """Return the stand-in's URL once it listens. Raise SetupError if it does not start."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if "listening on" not in line:
            raise SetupError("The OpenAI stand-in did not start. Its output is above.")
        return line.split()[-1]

    def has_failed(self) -> bool:
        return self.process.poll() is not None

    def stop(self, seconds: float) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()


class ServerThread:
    """An ASGI application on a bound socket, with its own event loop. Loaded immediately, served after start()."""

    def __init__(self, application: str, listener: socket, shutdown_timeout: int, **options: object) -> None:
        config = uvicorn.Config(
            application,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=shutdown_timeout,
            **options,  # type: ignore[arg-type]  # uvicorn's own keyword arguments
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._thread = Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name=application.split(":")[0], daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def has_failed(self) -> bool:
        return not self._thread.is_alive()

    def request_stop(self) -> None:
        self._server.should_exit = True

    def stop(self, seconds: float) -> None:
        self.request_stop()
        self._thread.join(seconds)


def web_server(listener: socket) -> ServerThread:
    return ServerThread(
        "config.asgi:application", listener, shutdown_timeout=1, lifespan="off", loop="uvloop", access_log=False
    )


def gateway_server(listener: socket) -> ServerThread:
    return ServerThread(
        "config.gateway.asgi:application",
        listener,
        # Seconds for saving the calls in progress.
        shutdown_timeout=3,
        **WEBSOCKET_OPTIONS,
    )


class StoppableThreadPool(TaskPool):
    """Thread pool that drops tasks while it stops.

    Its worker still receives tasks briefly. Dropping them is safe: the in-memory broker ends with the process, and
    after the next start, a sweep finds the work.
    """

    _is_stopping = False

    def on_stop(self) -> None:
        self._is_stopping = True
        super().on_stop()

    def on_apply(self, *args: Any, **kwargs: Any) -> ApplyResult:
        if not self._is_stopping:
            try:
                return super().on_apply(*args, **kwargs)
            except RuntimeError:  # the executor has just been shut down
                if not self._is_stopping:
                    raise
        logger.info("Dropped a task that arrived while its worker was stopping")
        dropped: Future[None] = Future()
        dropped.cancel()
        dropped.set_running_or_notify_cancel()  # a canceled future is not done before
        return ApplyResult(dropped)


class QueueWorker:
    """A Celery worker for one queue, in a thread of its own."""

    def __init__(self, app: Celery, queue: str) -> None:
        # Nobody inspects these workers remotely, and there are no others.
        app.conf.update(worker_enable_remote_control=False)
        self._is_ready = Event()
        self.controller = WorkController(
            app=app,
            queues=[queue],
            pool_cls=StoppableThreadPool,
            concurrency=settings.WORKER_PROCESSES[queue],
            ready_callback=lambda consumer: self._is_ready.set(),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self.thread = Thread(target=self.controller.start, name=f"worker-{queue}", daemon=True)

    def stop(self) -> None:
        """Stop the worker. If it is still starting, wait for it: Celery cannot stop a half-started worker cleanly."""
        self._is_ready.wait()
        self.controller.stop()


class WorkerThreads:
    """A Celery worker with a thread pool for each queue, and the beat that schedules the sweeps."""

    def __init__(self, build_app: Callable[[], Celery]) -> None:
        # Each worker has its own app, because an app supports only one selection of queues.
        self._workers = [QueueWorker(build_app(), queue) for queue in settings.QUEUES]
        from config.beat import DatabaseScheduler  # noqa: PLC0415  (needs models, which need the environment)

        # Sleep for at most a second at a time, so that beat can be stopped quickly.
        self._beat = Service(build_app(), max_interval=1, scheduler_cls=DatabaseScheduler)
        self._beat_thread = Thread(target=self._beat.start, name="beat", daemon=True)

    def start(self) -> None:
        for worker in self._workers:
            worker.thread.start()
        self._beat_thread.start()

    def has_failed(self) -> bool:
        return not all(thread.is_alive() for thread in (*self._threads, self._beat_thread))

    def request_stop(self) -> None:
        self._beat.stop()
        for worker in self._workers:
            Thread(target=worker.stop, name="worker-stop", daemon=True).start()

    def stop(self, seconds: float) -> None:
        """Wait briefly for running tasks. After the next start, a sweep finds the tasks that were lost."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def _threads(self) -> list[Thread]:
        return [worker.thread for worker in self._workers]


def log_to_file(path: Path) -> None:
    """Log everything to a file of limited size, and only errors to the terminal."""
    root = logging.getLogger()
    for terminal in root.handlers:
        terminal.setLevel(logging.ERROR)
    file = RotatingFileHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=1, encoding="utf-8")
    file.setFormatter(IdFormatter())
    root.addHandler(file)


def exit_now(status: int) -> None:
    """Exit without waiting for threads, because a task that calls OpenAI may take minutes."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(status)
