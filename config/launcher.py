"""The try-out: everything that a crisis center runs in many processes, in one. `make demo` calls it."""

import argparse
import gc
import http.client
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from socket import create_server, socket
from threading import Event

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.management.commands.migrate import refuse_partly_migrated
from config import celery_app
from config.bootstrap import Refused, data_folder, exclusive
from config.launcher_environment import NOBODY, has_key, standin_environment, tryout_environment
from config.launcher_parts import Server, Standin, Worker, gateway, leave, log_to, web

DISK_NEEDED = 500_000_000  # bytes: room for some hours of recordings
START_LIMIT = 60.0  # seconds until a start that hangs is given up
PASSWORD = "steadyline-demo"
STARTED = """
Steadyline is ready: {address}

  Log in as  counselor@example.org, supervisor@example.org, trainer@example.org,
             evaluator@example.org, admin@example.org or stranger@example.net (another organization)
  Password   {password}

Press Ctrl-C to stop. Everything is kept for the next `make demo`; `make demo-reset` starts over.
"""


class Tryout:
    """The parts of a running try-out, started and stopped in an order in which nothing is lost."""

    def __init__(self, var: Path, web_listener: socket, gateway_listener: socket) -> None:
        self.var = var
        self.web_listener = web_listener
        self.gateway_listener = gateway_listener
        self.standin = None if has_key(os.environ) else Standin(var / "openai")

    def start(self) -> None:
        self.set_environment()
        django.setup()
        self.gateway = gateway(self.gateway_listener)
        self.web = web(self.web_listener)
        self.worker = Worker(celery_app)
        # Only now, because loading each of these sets logging up as in production.
        log_to(self.var / "demo.log")
        prepare_database()
        for part in (self.web, self.gateway, self.worker):
            part.start()
        self.wait_until_healthy()

    def set_environment(self) -> None:
        os.environ.update(
            tryout_environment(self.var, port_of(self.web_listener), port_of(self.gateway_listener), os.environ)
        )
        if self.standin:
            url = self.standin.url()
            # For `make manage`, which runs beside us.
            (self.var / "openai-url").write_text(url)
            os.environ.update(standin_environment(url, os.environ))

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        for listener in (self.web_listener, self.gateway_listener):
            while not is_healthy(port_of(listener)):
                if self.failed_part() or time.monotonic() > deadline:
                    raise Refused(f"The demo did not start. What happened stands in {self.var / 'demo.log'}")
                time.sleep(0.05)

    def failed_part(self) -> str:
        """The part that ended by itself, if any."""
        parts: dict[str, Standin | Server | Worker | None] = {
            "the OpenAI stand-in": self.standin,
            "the web server": self.web,
            "the voice gateway": self.gateway,
            "the worker": self.worker,
        }
        return next((name for name, part in parts.items() if part and part.has_failed()), "")

    def stop(self) -> None:
        # Calls are saved first, with the database, the storage and OpenAI still there.
        self.worker.ask_to_stop()
        self.gateway.stop(seconds=4)
        self.web.stop(seconds=2)
        self.worker.stop(seconds=2)
        if self.standin:
            self.standin.stop(seconds=1)
        (self.var / "openai-url").unlink(missing_ok=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["manage"]:
        manage(data_folder(), arguments[1:])
    else:
        parser = argparse.ArgumentParser(prog="config.launcher", description=__doc__)
        parser.add_argument("--stop-with-parent", action="store_true", help="end when the process that started it does")
        leave(demo(data_folder(), parser.parse_args(arguments).stop_with_parent))


def manage(var: Path, arguments: list[str]) -> None:
    """Any management command, with the try-out's settings and data."""
    var.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        tryout_environment(var, wanted_port("WEB_PORT", 8000), wanted_port("GATEWAY_PORT", 8001), os.environ)
    )
    if not has_key(os.environ):
        running = var / "openai-url"
        os.environ.update(standin_environment(running.read_text() if running.exists() else NOBODY, os.environ))
    if not (var / "demo.sqlite3").exists():
        django.setup()
        prepare_database()
    execute_from_command_line(["manage.py", *arguments])


def demo(var: Path, stops_with_parent: bool) -> int:
    """Run until told to stop. Return the exit status."""
    parent = os.getppid() if stops_with_parent else 0
    # What is made while starting stays for good, so there is no garbage in it to look for.
    gc.disable()
    var.mkdir(parents=True, exist_ok=True)
    with exclusive(var / "demo.lock", "This demo is running already. Stop it first (Ctrl-C where it runs)."):
        refuse_without_disk(var, DISK_NEEDED)
        with listen("WEB_PORT", 8000) as web_listener, listen("GATEWAY_PORT", 8001) as gateway_listener:
            address = f"http://127.0.0.1:{port_of(web_listener)}"
            tryout = Tryout(var, web_listener, gateway_listener)
            tryout.start()
            gc.freeze()
            gc.enable()
            stopping = catch_signals()
            print(STARTED.format(password=PASSWORD, address=address), flush=True)
            complaint = wait_for_end(tryout, stopping, parent)
            print(complaint or "Stopping …", flush=True)
            tryout.stop()
            return 1 if complaint else 0


def wait_for_end(tryout: Tryout, stopping: Event, parent: int) -> str:
    """Return when somebody ends the try-out; with a complaint when a part of it broke."""
    while not stopping.wait(0.25):
        if parent and os.getppid() != parent:
            return ""
        failed = tryout.failed_part()
        if failed:
            return f"Stopping, because {failed} ended by itself. What happened stands in {tryout.var / 'demo.log'}"
    return ""


def catch_signals() -> Event:
    """An event that the first signal sets. The second one ends everything at once."""
    stopping = Event()

    def on_signal(number: int, frame: object) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Started by nohup it is meant to outlive its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, on_signal)
    return stopping


def prepare_database() -> None:
    refuse_partly_migrated(connection)  # such a database may look as if nothing had to be done
    executor = MigrationExecutor(connection)
    # The command costs a noticeable moment even when there is nothing to do.
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    call_command("load_demo", password=PASSWORD, verbosity=0, skip_checks=True)
    connection.close()


def refuse_without_disk(var: Path, bytes_needed: int) -> None:
    free = shutil.disk_usage(var).free
    if free < bytes_needed:
        raise Refused(
            f"Calls are recorded into {var}, which has {free / 1e6:.0f} MB left. "
            f"Free some disk: the demo needs {bytes_needed / 1e6:.0f} MB."
        )


def wanted_port(name: str, usual: int) -> int:
    value = os.environ.get(name) or str(usual)
    if not (value.isdecimal() and int(value) < 65536):
        raise Refused(f"{name} must be a port number from 1 to 65535, or 0 for any free one; it is {value!r}.")
    return int(value)


def listen(name: str, usual: int) -> socket:
    """A listening socket, before anything slow begins. Nobody outside this computer reaches it."""
    port = wanted_port(name, usual)
    try:
        return create_server(("127.0.0.1", port))
    except PermissionError:
        raise Refused(f"This user may not open port {port}. Choose another: make demo {name}={usual + 100}") from None
    except OSError:
        raise Refused(
            f"Port {port} is in use. Stop what uses it or choose another: make demo {name}={usual + 100}"
        ) from None


def port_of(listener: socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def is_healthy(port: int) -> bool:
    answer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        answer.request("GET", "/health/")
        return answer.getresponse().status == 200
    except OSError:
        return False
    finally:
        answer.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Refused, ImproperlyConfigured, CommandError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        leave(1)
    except KeyboardInterrupt:
        leave(130)
