"""The demo, which runs all processes of a crisis center as threads of one process. `make demo` starts it."""

import argparse
import gc
import http.client
import os
import shutil
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from socket import create_server, socket

import django
from django.core.management import call_command, execute_from_command_line
from django.core.management.commands import migrate
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.celery import build_app
from config.launcher import seed
from config.launcher.bootstrap import SetupError, data_folder, hold_lock
from config.launcher.components import (
    DemoStandin,
    ServerThread,
    WorkerThreads,
    exit_now,
    gateway_server,
    log_to_file,
    web_server,
)
from config.launcher.environment import UNREACHABLE_URL, demo_environment, has_openai_key, standin_environment
from config.launcher.static_files import collect_static_files

DISK_BYTES_NEEDED = 500_000_000  # bytes: room for a few hours of recordings
START_TIMEOUT = 60.0  # seconds after which a startup counts as failed
PASSWORD = "steadyline-demo"
READY_MESSAGE = """
Steadyline is ready: {address}

  Log in as  counselor@example.org, supervisor@example.org, trainer@example.org,
             evaluator@example.org, admin@example.org, or stranger@example.net (another organization)
  Password   {password}

Press Ctrl-C to stop. The next `make demo` continues with the same data. `make demo-reset` deletes it.
"""


class StopSignals:
    """Receiver of the signals that stop the demo. The second signal exits the process immediately.

    A signal handler runs in the thread that waits. If that thread holds the lock of a threading.Event at that moment,
    setting the event blocks forever. A SimpleQueue is made for this.
    """

    def __init__(self, numbers: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)) -> None:
        self._received: SimpleQueue[int] = SimpleQueue()
        self._is_stopping = False
        for number in numbers:
            # A demo started with nohup is meant to outlive its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._receive)

    def wait(self, seconds: float) -> bool:
        """Wait for the first signal. Return False if none arrives in time."""
        try:
            self._received.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _receive(self, number: int, frame: object) -> None:
        if self._is_stopping:
            os._exit(128 + number)
        self._is_stopping = True
        self._received.put(number)


class DemoSystem:
    """The components of a running demo, started and stopped in an order that loses no data."""

    def __init__(self, var: Path, web_listener: socket, gateway_listener: socket) -> None:
        self.var = var
        self.web_listener = web_listener
        self.gateway_listener = gateway_listener
        self.standin = None if has_openai_key(os.environ) else DemoStandin(var / "openai")

    def start(self) -> None:
        self.set_environment()
        django.setup()
        collect_static_files()
        self.gateway = gateway_server(self.gateway_listener)
        self.web = web_server(self.web_listener)
        self.worker = WorkerThreads(build_app)
        # After loading the components, because each of them sets up production logging.
        log_to_file(self.var / "demo.log")
        prepare_database(self.var)
        for part in (self.web, self.gateway, self.worker):
            part.start()
        self.wait_until_healthy()

    def set_environment(self) -> None:
        os.environ.update(
            demo_environment(self.var, port_of(self.web_listener), port_of(self.gateway_listener), os.environ)
        )
        if self.standin:
            url = self.standin.url()
            # For `make manage`, which may run at the same time.
            (self.var / "openai-url").write_text(url)
            os.environ.update(standin_environment(url, os.environ))

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        for listener in (self.web_listener, self.gateway_listener):
            while not is_healthy(port_of(listener)):
                if self.find_failed_component() or time.monotonic() > deadline:
                    raise SetupError(f"The demo did not start. See {self.var / 'demo.log'}")
                time.sleep(0.05)

    def find_failed_component(self) -> str:
        """Return the name of the component that ended on its own, or ""."""
        parts: dict[str, DemoStandin | ServerThread | WorkerThreads | None] = {
            "the OpenAI stand-in": self.standin,
            "the web server": self.web,
            "the voice gateway": self.gateway,
            "the worker": self.worker,
        }
        return next((name for name, part in parts.items() if part and part.has_failed()), "")

    def stop(self) -> None:
        # Calls are saved first, while database, storage, and OpenAI are still available.
        self.worker.request_stop()
        self.gateway.stop(seconds=4)
        self.web.stop(seconds=2)
        self.worker.stop(seconds=2)
        if self.standin:
            self.standin.stop(seconds=1)
        (self.var / "openai-url").unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["manage"]:
        run_management_command(data_folder(), arguments[1:])
    elif arguments == ["make-history"]:
        make_history(data_folder())
    else:
        parser = argparse.ArgumentParser(prog="config.launcher", description=__doc__)
        parser.add_argument("--stop-with-parent", action="store_true", help="stop when the parent process ends")
        exit_now(run_demo(data_folder(), parser.parse_args(arguments).stop_with_parent))


def run_management_command(var: Path, arguments: list[str]) -> None:
    """Run a management command with the demo's settings and data."""
    var.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        demo_environment(
            var, port_from_environment("WEB_PORT", 8000), port_from_environment("GATEWAY_PORT", 8001), os.environ
        )
    )
    if not has_openai_key(os.environ):
        running = var / "openai-url"
        os.environ.update(standin_environment(running.read_text() if running.exists() else UNREACHABLE_URL, os.environ))
    if not (var / "demo.sqlite3").exists():
        django.setup()
        prepare_database(var)
    execute_from_command_line(["manage.py", *arguments])


def run_demo(var: Path, stops_with_parent: bool) -> int:
    """Run the demo until a signal stops it. Return the exit status."""
    parent = os.getppid() if stops_with_parent else 0
    # Objects created during startup stay in memory, so garbage collection would find nothing.
    gc.disable()
    var.mkdir(parents=True, exist_ok=True)
    with hold_lock(var / "demo.lock", "The demo is already running. Stop it first: press Ctrl-C in its terminal."):
        require_free_disk(var, DISK_BYTES_NEEDED)
        with listen("WEB_PORT", 8000) as web_listener, listen("GATEWAY_PORT", 8001) as gateway_listener:
            address = f"http://127.0.0.1:{port_of(web_listener)}"
            demo = DemoSystem(var, web_listener, gateway_listener)
            demo.start()
            gc.freeze()
            gc.enable()
            stop_signals = StopSignals()
            print(READY_MESSAGE.format(password=PASSWORD, address=address), flush=True)
            failure = wait_until_stopped(demo, stop_signals, parent)
            print(failure or "Stopping …", flush=True)
            demo.stop()
            return 1 if failure else 0


def wait_until_stopped(demo: DemoSystem, stop_signals: StopSignals, parent: int) -> str:
    """Wait for a stop signal, then return "". Return a message if a component fails first."""
    while not stop_signals.wait(0.25):
        if parent and os.getppid() != parent:
            return ""
        failed = demo.find_failed_component()
        if failed:
            return f"Stopping because {failed} stopped unexpectedly. See {demo.var / 'demo.log'}"
    return ""


def prepare_database(var: Path) -> None:
    """Prepare the demo's database. A new demo begins with a copy of the history made at installation."""
    from evaluation.demo.dates import move_history  # noqa: PLC0415  (imports models)

    if not (var / seed.DATABASE).exists() and (age := seed.copy_seed(var)):
        move_history(age)
    load_history()


def load_history() -> None:
    """Bring the database up to date, and load the history unless it is there."""
    from accounts.management.commands.migrate import refuse_partly_migrated  # noqa: PLC0415  (imports models)
    from recordings.services.adoption import adopt_own_folder  # noqa: PLC0415  (imports models)

    refuse_partly_migrated(connection)  # the plan below may be empty for such a database
    executor = MigrationExecutor(connection)
    # The command is slow even if there is nothing to migrate.
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        # Django's own command, because ours refuses an empty database if files already exist.
        call_command(migrate.Command(), verbosity=0, interactive=False, skip_checks=True)
    adopt_own_folder()
    call_command("load_demo", password=PASSWORD, verbosity=0, skip_checks=True)
    connection.close()


def make_history(var: Path) -> None:
    """Fill an empty data folder with a history for `config.launcher.seed` to copy."""
    os.environ.update(demo_environment(var, 8000, 8001, os.environ))
    os.environ.update(standin_environment(UNREACHABLE_URL, os.environ))
    django.setup()
    from recordings.services.adoption import release_own_folder  # noqa: PLC0415  (imports models)

    load_history()
    release_own_folder()
    connection.close()


def require_free_disk(var: Path, bytes_needed: int) -> None:
    free = shutil.disk_usage(var).free
    if free < bytes_needed:
        raise SetupError(
            f"The demo needs {bytes_needed / 1e6:.0f} MB of free disk space for recordings. "
            f"{var} has {free / 1e6:.0f} MB. Free up some space and try again."
        )


def port_from_environment(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not (value.isdecimal() and int(value) < 65536):
        raise SetupError(f"{name} must be a port number from 1 to 65535, or 0 for any free port, not {value!r}.")
    return int(value)


def listen(name: str, default: int) -> socket:
    """Open a listening socket on 127.0.0.1 before any slow startup. Raise SetupError if the port is unavailable."""
    port = port_from_environment(name, default)
    try:
        return create_server(("127.0.0.1", port))
    except PermissionError:
        raise SetupError(
            f"You do not have permission to open port {port}. Choose another one: make demo {name}={default + 100}"
        ) from None
    except OSError:
        raise SetupError(
            f"Port {port} is already in use. Stop the program that uses it, or choose another port: "
            f"make demo {name}={default + 100}"
        ) from None


def port_of(listener: socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def is_healthy(port: int) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        client.request("GET", "/health/")
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()
