"""What the gateway adds to a call, beside a bare relay as the floor: `python -m benchmarks.gateway`.

    python -m benchmarks.gateway --calls 60 --seconds 8     one quick pair of relay and gateway
    python -m benchmarks.gateway --profile 60               where the gateway's time goes

The measured process has one core to itself; browsers, model and database share the other. Every frame of 20 ms is
echoed, so its way goes through the measured process twice. Only loopback, and it stops by itself.
"""

import argparse
import asyncio
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.request import urlopen

import uvloop

from benchmarks.load import Page, speak
from benchmarks.upstream import Model
from tests.services import missing, private_postgres

ROOT = Path(__file__).resolve().parent.parent
MEASURED, OTHERS = {0}, {1}
PR_SET_PDEATHSIG = 1
ORIGIN = "http://bench.test"
WARM_UP = 3.0  # seconds
STEPS = (1, 10, 60, 100, 150, 200, 250)
LATE = 20.0  # milliseconds at the 99th percentile, beyond which a number of calls is too many
WINDOWS = {60: 4, 200: 2, 250: 2}


@dataclass
class Window:
    """One measurement of one process under so many calls."""

    kind: str
    calls: int
    seconds: float
    frames: int = 0
    lost: int = 0
    disordered: int = 0
    p50: float = 0.0  # milliseconds, as the others
    p95: float = 0.0
    p99: float = 0.0
    cpu: float = 0.0  # % of a core
    waited: float = 0.0  # % of the time that somebody else had the core
    load_waited: float = 0.0
    memory: float = 0.0  # KB
    lag: float | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def cpu_per_call(self) -> float:
        return self.cpu / self.calls

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.disordered and not self.faults and self.p99 < LATE


class Measured:
    """A process, and what the kernel knows of it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ran(self) -> tuple[int, int]:
        """Nanoseconds on a core and waiting for one, all threads."""
        return ran_of(self.process.pid)

    @property
    def memory(self) -> float:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return float(found[1]) if found else 0.0


def ran_of(pid: int) -> tuple[int, int]:
    totals = [0, 0]
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        for number, value in enumerate(stat.read_text().split()[:2]):
            totals[number] += int(value)
    return totals[0], totals[1]


def pinned(cores: set[int]) -> None:
    if os.cpu_count() and max(cores) < (os.cpu_count() or 1):
        os.sched_setaffinity(0, cores)


def begin_as_child() -> None:
    """On the measured core; and whatever ends this process ends the child, too."""
    pinned(MEASURED)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Bench:
    """The processes of a run, and calls through them."""

    def __init__(self, scratch: Path, model_port: int, database_url: str) -> None:
        self.scratch = scratch
        self.model_port = model_port
        self.database_url = database_url
        self.begun = 0

    def environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "SECRET_KEY": "x" * 50,
            "ALLOWED_HOSTS": "127.0.0.1",
            "WEB_ORIGINS": ORIGIN,
            "GATEWAY_URL": "ws://127.0.0.1:1",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": "memory://localhost/",
            "STORAGE_URL": f"file:{self.scratch}/files",
            "SPOOL_DIR": str(self.scratch / "spool"),
            "EMAIL_URL": "memory:",
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{self.model_port}/v1",
            "NO_PROXY": "127.0.0.1",
            "CALLER_OPENS_AFTER": "0.1",
            "CALLS_PER_PROCESS": "2000",
            "DRAIN_FOR": "0",
            "LINE_KEPT_FOR": "600",
            "LOG_LEVEL": "WARNING",
        }

    @contextmanager
    def relay(self) -> Iterator[tuple[Measured, int]]:
        process = self._start([sys.executable, "-m", "benchmarks.relay", f"ws://127.0.0.1:{self.model_port}/relay"])
        assert process.stdout
        try:
            yield Measured(process), int(process.stdout.readline())
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def gateway(self, *before: str) -> Iterator[tuple[Measured, int]]:
        command = [sys.executable, *(before or ("-m", "config.gateway")), "--port", "0"]
        process = self._start(command, subprocess.STDOUT)
        assert process.stdout
        try:
            port = 0
            while not port:
                line = process.stdout.readline()
                assert line, "the gateway did not start"
                found = re.search(r"running on http://127\.0\.0\.1:(\d+)", line)
                port = int(found[1]) if found else 0
            yield Measured(process), port
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, command: list[str], errors: int | None = None) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=begin_as_child,
        )

    def sessions(self, number: int) -> list[tuple[str, str]]:
        """New calls of new counselors, each with its ticket."""
        from accounts.models import Organization, User  # noqa: PLC0415  (Django is set up by now)
        from scenarios.models import Mode  # noqa: PLC0415
        from training.models import Session  # noqa: PLC0415
        from training.services.sessions import start_free_practice  # noqa: PLC0415
        from training.services.tickets import issue_ticket  # noqa: PLC0415

        organization, _ = Organization.objects.get_or_create(name="Bench", defaults={"call_slots": 30_000})
        begun = []
        for _ in range(number):
            self.begun += 1
            person = User(email=f"c{self.begun}@example.org", organization=organization, password="!")
            person.save()
            session, _ = start_free_practice(person, Mode.PHONE)
            Session.objects.filter(pk=session.pk).update(greeting_status=Session.Greeting.FAILED)
            begun.append((str(session.pk), issue_ticket(session)[1]))
        return begun


async def dial(port: int, path: str, is_bare: bool, **headers: str) -> Page:
    loop = asyncio.get_running_loop()
    _, page = await loop.create_connection(Page, "127.0.0.1", port)
    page.is_bare = is_bare
    page.ask(path, f"127.0.0.1:{port}", **headers)
    await page.opened
    return page


async def call(kind: str, port: int, sessions: list[tuple[str, str]], number: int) -> list[Page]:
    pages = []
    for index in range(number):
        if kind == "relay":
            pages.append(await dial(port, "/", True))
            continue
        session, ticket = sessions[index]
        protocols = f"steadyline.v1, ticket.{ticket}"
        path = f"/ws/calls/{session}/?record=true"
        page = await dial(port, path, False, Origin=ORIGIN, Sec_WebSocket_Protocol=protocols)
        page.say(type="hello", last_revision=0)
        pages.append(page)
    return pages


async def measure(
    kind: str, process: Measured, port: int, sessions: list[tuple[str, str]], number: int, seconds: float
) -> Window:
    window = Window(kind, number, seconds)
    empty = process.memory
    pages = await call(kind, port, sessions, number)
    loop = asyncio.get_running_loop()
    speaking = asyncio.create_task(speak(pages, loop.time() + WARM_UP + seconds + 0.2))
    await asyncio.sleep(WARM_UP)
    for page in pages:
        page.latencies.clear()
    before, load_before, began = process.ran(), ran_of(os.getpid()), time.perf_counter()
    await asyncio.sleep(seconds)
    after, load_after, lasted = process.ran(), ran_of(os.getpid()), 1e9 * (time.perf_counter() - began)
    latencies = sorted(1000 * latency for page in pages for latency in page.latencies)
    window.memory = (process.memory - empty) / number
    window.lag = await asyncio.to_thread(lag_of, port) if kind == "gateway" else None
    await speaking
    await asyncio.sleep(0.7)
    models = [model for model in Model.models if model.is_open]
    window.lost = sum(model.echoed for model in models) - sum(page.returned for page in pages)
    window.disordered = sum(page.disordered for page in pages)
    window.frames = len(latencies)
    window.faults = [f"closed {page.closed.result()}" for page in pages if page.closed.done()][:3]
    if latencies:
        window.p50, window.p95, window.p99 = (
            latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.95, 0.99)
        )
    else:
        window.faults.append("nothing came back")
    window.cpu = 100 * (after[0] - before[0]) / lasted
    window.waited = 100 * (after[1] - before[1]) / lasted
    window.load_waited = 100 * (load_after[1] - load_before[1]) / lasted
    await hang_up(pages)
    return window


async def hang_up(pages: list[Page]) -> None:
    for page in pages:
        page.close()
    await asyncio.gather(*(page.closed for page in pages))
    deadline = time.monotonic() + 20
    while any(not model.closed.done() for model in Model.models) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    Model.models.clear()


def lag_of(port: int) -> float | None:
    with urlopen(f"http://127.0.0.1:{port}/ready/") as answer:
        lag: float | None = json.load(answer).get("loop_lag_ms")
    return lag


@contextmanager
def bench() -> Iterator[Bench]:
    """A database, a model, and Django in this process."""
    pinned(OTHERS)
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch:
        if missing("postgres"):
            yield from _bench(Path(scratch), f"sqlite:///{scratch}/bench.sqlite3")
        else:
            with private_postgres() as url:
                yield from _bench(Path(scratch), url)


def _bench(scratch: Path, url: str) -> Iterator[Bench]:
    import django  # noqa: PLC0415  (its settings are read from what is made here)

    made = Bench(scratch, 0, url)
    os.environ.update(made.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    yield made
    connection.close()


async def pair(made: Bench, number: int, seconds: float, kinds: tuple[str, ...]) -> list[Window]:
    """Each kind once, in processes of their own, beside the same model."""
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", 0)
    made.model_port = server.sockets[0].getsockname()[1]
    windows = []
    try:
        for kind in kinds:
            sessions = await asyncio.to_thread(made.sessions, number) if kind == "gateway" else []
            started = made.relay() if kind == "relay" else made.gateway()
            with started as (process, port):
                window = await measure(kind, process, port, sessions, number, seconds)
            print(shown(window), flush=True)
            windows.append(window)
    finally:
        server.close()
    return windows


def shown(window: Window) -> str:
    lag = "" if window.lag is None else f", loop lag {window.lag:.0f} ms"
    return (
        f"{window.kind:>8} {window.calls:4d} calls: p50 {window.p50:.2f} p95 {window.p95:.2f} p99 {window.p99:.2f} ms, "
        f"CPU {window.cpu:.1f} % ({window.cpu_per_call:.3f} a call), {window.memory:.0f} KB a call, "
        f"lost {window.lost}, disordered {window.disordered}, waited {window.waited:.1f} %/{window.load_waited:.1f} %"
        f"{lag} {' '.join(window.faults)}"
    )


def sweep(seconds: float) -> list[Window]:
    """Relay and gateway by turns, at every number of calls until both break."""
    windows: list[Window] = []
    with bench() as made, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        kinds: tuple[str, ...] = ("relay", "gateway")
        for number in STEPS:
            for _ in range(WINDOWS.get(number, 1)):
                windows += runner.run(pair(made, number, seconds, kinds))
            kinds = tuple(
                kind for kind in kinds if any(w.is_good for w in windows if (w.kind, w.calls) == (kind, number))
            )
            if not kinds:
                break
    return windows


def profile(number: int, seconds: float) -> None:
    """Where the gateway's time goes, by cProfile: shares count, not times."""
    import pstats  # noqa: PLC0415

    with bench() as made, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        kept = made.scratch / "profile"

        async def run() -> None:
            server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", 0)
            made.model_port = server.sockets[0].getsockname()[1]
            sessions = await asyncio.to_thread(made.sessions, number)
            with made.gateway("-m", "cProfile", "-o", str(kept), "-m", "config.gateway") as (process, port):
                print(shown(await measure("gateway", process, port, sessions, number, seconds)))
            server.close()

        runner.run(run())
        pstats.Stats(str(kept)).sort_stats("tottime").print_stats(45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--profile", type=int, default=0)
    parser.add_argument("--only", choices=["relay", "gateway"])
    arguments = parser.parse_args()
    if arguments.profile:
        profile(arguments.profile, arguments.seconds)
    elif arguments.calls:
        kinds = (arguments.only,) if arguments.only else ("relay", "gateway")
        with bench() as made, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(pair(made, arguments.calls, arguments.seconds, kinds))
    else:
        print(json.dumps([asdict(window) for window in sweep(arguments.seconds)]))


if __name__ == "__main__":
    main()
