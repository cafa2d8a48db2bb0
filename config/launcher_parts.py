"""The processes of a crisis center, as threads of one try-out; and the stand-in, as its child."""

import logging
import os
import subprocess
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from socket import socket
from threading import Thread

import uvicorn
from celery import Celery
from celery.beat import Scheduler, Service
from celery.worker import WorkController

from config.bootstrap import Refused
from config.gateway import SOCKETS
from config.logs import IdFormatter

LOG_SIZE = 5_000_000


class Standin:
    """The OpenAI stand-in as a child, which ends with this process: the kernel closes the pipe it reads from."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "openai_standin", "--port", "0", "--exit-with-stdin", "--state", str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C in the terminal is for us: calls that end say goodbye to the stand-in first.
            start_new_session=True,
        )

    def url(self) -> str:
        """Its address, once it listens. Raises Refused when it never does."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if "listening on" not in line:
            raise Refused("The OpenAI stand-in did not start. What it said stands above.")
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


class Server:
    """An ASGI application on a bound socket, with a loop of its own. Loaded at once, served from start() on."""

    def __init__(self, application: str, listener: socket, goodbye: int, **options: object) -> None:
        config = uvicorn.Config(
            application,
            log_config=None,
            log_level="warning",
            timeout_graceful_shutdown=goodbye,
            **options,  # type: ignore[arg-type]  # uvicorn's own keywords, passed on
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

    def ask_to_stop(self) -> None:
        self._server.should_exit = True

    def stop(self, seconds: float) -> None:
        self.ask_to_stop()
        self._thread.join(seconds)


def web(listener: socket) -> Server:
    return Server("config.asgi:application", listener, goodbye=1, lifespan="off", loop="uvloop", access_log=False)


def gateway(listener: socket) -> Server:
    return Server(
        "config.gateway_asgi:application",
        listener,
        # A call that is under way is saved in this time.
        goodbye=3,
        **SOCKETS,
    )


class Worker:
    """A Celery worker of four threads, and the clock that sends it the sweeps."""

    def __init__(self, app: Celery) -> None:
        # Nobody inspects it from outside, and there is no other worker to meet.
        app.conf.update(worker_enable_remote_control=False)
        self._controller = WorkController(
            app=app,
            pool_cls="threads",
            concurrency=4,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._thread = Thread(target=self._controller.start, name="worker", daemon=True)
        # At most a second asleep at a time, so that it can be stopped.
        self._sweeps = Service(app, max_interval=1, scheduler_cls=Scheduler)
        self._clock = Thread(target=self._sweeps.start, name="clock", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._clock.start()

    def has_failed(self) -> bool:
        return not (self._thread.is_alive() and self._clock.is_alive())

    def ask_to_stop(self) -> None:
        self._sweeps.stop()
        Thread(target=self._controller.stop, name="worker's end", daemon=True).start()

    def stop(self, seconds: float) -> None:
        """Wait for the tasks under way, but not long: what is lost here a sweep of the next start finds."""
        self._thread.join(seconds)


def log_to(path: Path) -> None:
    """Errors stay on the terminal, everything goes into a file of limited size."""
    root = logging.getLogger()
    for terminal in root.handlers:
        terminal.setLevel(logging.ERROR)
    file = RotatingFileHandler(path, maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8")
    file.setFormatter(IdFormatter())
    root.addHandler(file)


def leave(status: int) -> None:
    """End without waiting for threads: a task that talks to OpenAI may take minutes."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(status)
