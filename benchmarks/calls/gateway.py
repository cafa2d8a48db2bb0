"""Latency, CPU, and memory of calls, with a relay and a bridge as baselines: `python -m benchmarks.calls.gateway`.

    python -m benchmarks.calls.gateway --calls 60 --seconds 8     one quick measurement of each
    python -m benchmarks.calls.gateway --profile 60               profile of the gateway's CPU time

The measured process has one core to itself; browsers, model, and database share the other. Every frame of 20 ms is
echoed, so it passes through the measured process twice. All traffic stays on loopback, and the run stops by itself.
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
from dataclasses import asdict
from pathlib import Path
from urllib.request import urlopen

import uvloop

from benchmarks.calls.echo_model import EchoModel
from benchmarks.calls.report import MeasurementWindow
from benchmarks.calls.simulated_pages import LoadPage, send_frames
from tests.support.servers import missing_reason, private_postgres

ROOT = Path(__file__).resolve().parents[2]
MEASURED_CORES, OTHER_CORES = {0}, {1}
PR_SET_PDEATHSIG = 1
ORIGIN = "http://bench.test"
WARM_UP_SECONDS = 3.0
CALLS_OPENED_AT_ONCE = 8
BASELINES = {"relay": "benchmarks.calls.bare_relay", "bridge": "benchmarks.calls.plain_bridge"}
# The gateway as it is, and on a disk whose syncs take 30 ms.
GATEWAYS = {"gateway": "config.gateway", "slow disk": "benchmarks.calls.slow_disk"}
KINDS = (*BASELINES, *GATEWAYS)
CALL_COUNTS = (1, 10, 60, 100, 150, 200, 250)
WINDOWS_PER_COUNT = {60: 4, 200: 2, 250: 2}  # calls: windows measured; other counts are measured once


class MeasuredProcess:
    """Running process with its CPU times and memory, read from /proc."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def cpu_times(self) -> tuple[int, int]:
        """Return nanoseconds spent on a core and waiting for one, summed over all threads."""
        return read_cpu_times(self.process.pid)

    def loop_times(self) -> tuple[int, int]:
        """Return clock ticks that the event loop's thread spent in its own code and in system calls."""
        pid = self.process.pid
        fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]), int(fields[12])

    @property
    def memory(self) -> float:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return float(found[1]) if found else 0.0


def read_cpu_times(pid: int) -> tuple[int, int]:
    totals = [0, 0]
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        for number, value in enumerate(stat.read_text().split()[:2]):
            totals[number] += int(value)
    return totals[0], totals[1]


def pin_to_cores(cores: set[int]) -> None:
    if os.cpu_count() and max(cores) < (os.cpu_count() or 1):
        os.sched_setaffinity(0, cores)


def prepare_child() -> None:
    """Pin the child to the measured core, and have the kernel kill it when this process ends."""
    pin_to_cores(MEASURED_CORES)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class CallBenchmark:
    """Environment of a benchmark run: it starts the measured processes and creates sessions."""

    def __init__(self, scratch: Path, model_port: int, database_url: str) -> None:
        self.scratch = scratch
        self.model_port = model_port
        self.database_url = database_url
        self.counselor_count = 0

    def environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "SECRET_KEY": "x" * 50,
            "INSTALLATION_ID": "benchmark",
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
    def baseline(self, module: str) -> Iterator[tuple[MeasuredProcess, int]]:
        """Start the relay or the bridge, which prints its port."""
        process = self._start([sys.executable, "-m", module, f"ws://127.0.0.1:{self.model_port}/relay"])
        assert process.stdout
        try:
            yield MeasuredProcess(process), int(process.stdout.readline())
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def gateway(self, *command: str) -> Iterator[tuple[MeasuredProcess, int]]:
        arguments = [sys.executable, *command, "--port", "0"]
        process = self._start(arguments, subprocess.STDOUT)
        assert process.stdout
        try:
            port = 0
            while not port:
                line = process.stdout.readline()
                assert line, "the gateway did not start"
                found = re.search(r"running on http://127\.0\.0\.1:(\d+)", line)
                port = int(found[1]) if found else 0
            yield MeasuredProcess(process), port
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
            preexec_fn=prepare_child,
        )

    def create_sessions(self, number: int) -> list[tuple[str, str]]:
        """Start calls of new counselors and return (session id, ticket) for each."""
        from accounts.models import Organization, User  # noqa: PLC0415  (Django is set up by now)
        from scenarios.models import Mode  # noqa: PLC0415
        from training.models import Session  # noqa: PLC0415
        from training.services.call_tickets import issue_ticket  # noqa: PLC0415
        from training.services.session_start import start_free_practice  # noqa: PLC0415

        organization, _ = Organization.objects.get_or_create(name="Bench", defaults={"call_slots": 30_000})
        sessions = []
        for _ in range(number):
            self.counselor_count += 1
            person = User(email=f"c{self.counselor_count}@example.org", organization=organization, password="!")
            person.save()
            session, _ = start_free_practice(person, Mode.PHONE)
            Session.objects.filter(pk=session.pk).update(greeting_status=Session.Greeting.FAILED)
            sessions.append((str(session.pk), issue_ticket(session)[1]))
        return sessions


async def open_call(port: int, path: str, is_bare: bool, **headers: str) -> LoadPage:
    loop = asyncio.get_running_loop()
    _, page = await loop.create_connection(LoadPage, "127.0.0.1", port)
    page.is_relay_call = is_bare
    page.send_upgrade_request(path, f"127.0.0.1:{port}", **headers)
    await page.opened
    return page


async def open_calls(kind: str, port: int, sessions: list[tuple[str, str]], number: int) -> list[LoadPage]:
    if kind in BASELINES:
        return [await open_call(port, "/", True) for _ in range(number)]
    # Open calls in parallel, so that the first caller is still speaking when the last call opens.
    opening = asyncio.Semaphore(CALLS_OPENED_AT_ONCE)
    return await asyncio.gather(*(open_gateway_call(port, *session, opening) for session in sessions[:number]))


async def open_gateway_call(port: int, session: str, ticket: str, opening: asyncio.Semaphore) -> LoadPage:
    protocols = f"steadyline.v1, ticket.{ticket}"
    path = f"/ws/calls/{session}/?record=true"
    async with opening:
        page = await open_call(port, path, False, Origin=ORIGIN, Sec_WebSocket_Protocol=protocols)
    page.send_message(type="hello", last_revision=0)
    return page


async def measure(
    kind: str, process: MeasuredProcess, port: int, sessions: list[tuple[str, str]], number: int, seconds: float
) -> MeasurementWindow:
    window = MeasurementWindow(kind, number, seconds)
    idle_memory = process.memory
    pages = await open_calls(kind, port, sessions, number)
    loop = asyncio.get_running_loop()
    speaking = asyncio.create_task(send_frames(pages, loop.time() + WARM_UP_SECONDS + seconds + 0.2))
    await asyncio.sleep(WARM_UP_SECONDS)
    for page in pages:
        page.latencies.clear()
    before, load_before, began = process.cpu_times(), read_cpu_times(os.getpid()), time.perf_counter()
    loop_before = process.loop_times()
    await asyncio.sleep(seconds)
    after, load_after, lasted = process.cpu_times(), read_cpu_times(os.getpid()), 1e9 * (time.perf_counter() - began)
    in_code, in_system = (end - start for start, end in zip(loop_before, process.loop_times(), strict=True))
    latencies = sorted(1000 * latency for page in pages for latency in page.latencies)
    window.memory = (process.memory - idle_memory) / number
    window.lag = await asyncio.to_thread(read_loop_lag, port) if kind in GATEWAYS else None
    await speaking
    await asyncio.sleep(0.7)
    models = [model for model in EchoModel.instances if model.is_open]
    window.lost = sum(model.echoed_frames for model in models) - sum(page.returned_frames for page in pages)
    window.disordered = sum(page.out_of_order_frames for page in pages)
    window.frames = len(latencies)
    window.faults = [f"closed {page.closed.result()}" for page in pages if page.closed.done()][:3]
    if latencies:
        window.p50, window.p95, window.p99 = (
            latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.95, 0.99)
        )
    else:
        window.faults.append("no frame came back")
    window.cpu = 100 * (after[0] - before[0]) / lasted
    ticks = lasted / 1e9 * os.sysconf("SC_CLK_TCK")
    window.loop_code, window.loop_system = 100 * in_code / ticks, 100 * in_system / ticks
    window.waited = 100 * (after[1] - before[1]) / lasted
    window.load_waited = 100 * (load_after[1] - load_before[1]) / lasted
    await hang_up(pages)
    return window


async def hang_up(pages: list[LoadPage]) -> None:
    for page in pages:
        page.close()
    await asyncio.gather(*(page.closed for page in pages))
    deadline = time.monotonic() + 20
    while any(not model.closed.done() for model in EchoModel.instances) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    EchoModel.instances.clear()


def read_loop_lag(port: int) -> float | None:
    with urlopen(f"http://127.0.0.1:{port}/ready/") as answer:
        lag: float | None = json.load(answer).get("loop_lag_ms")
    return lag


@contextmanager
def call_benchmark() -> Iterator[CallBenchmark]:
    """Set up a database, the model's address, and Django in this process."""
    pin_to_cores(OTHER_CORES)
    with tempfile.TemporaryDirectory(prefix="steadyline-bench-") as scratch:
        if missing_reason("postgres"):
            yield from _set_up_benchmark(Path(scratch), f"sqlite:///{scratch}/bench.sqlite3")
        else:
            with private_postgres() as url:
                yield from _set_up_benchmark(Path(scratch), url)


def _set_up_benchmark(scratch: Path, url: str) -> Iterator[CallBenchmark]:
    import django  # noqa: PLC0415  (settings read the environment prepared here)

    benchmark = CallBenchmark(scratch, 0, url)
    os.environ.update(benchmark.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    yield benchmark
    connection.close()


async def measure_each(
    benchmark: CallBenchmark, number: int, seconds: float, kinds: tuple[str, ...]
) -> list[MeasurementWindow]:
    """Measure each kind once, each in a new process, against the same model."""
    server = await asyncio.get_running_loop().create_server(EchoModel, "127.0.0.1", 0)
    benchmark.model_port = server.sockets[0].getsockname()[1]
    windows = []
    try:
        for kind in kinds:
            sessions = await asyncio.to_thread(benchmark.create_sessions, number) if kind in GATEWAYS else []
            started = (
                benchmark.gateway("-m", GATEWAYS[kind]) if kind in GATEWAYS else benchmark.baseline(BASELINES[kind])
            )
            with started as (process, port):
                window = await measure(kind, process, port, sessions, number, seconds)
            print(format_window(window), flush=True)
            windows.append(window)
    finally:
        server.close()
    return windows


def format_window(window: MeasurementWindow) -> str:
    lag = "" if window.lag is None else f", loop lag {window.lag:.0f} ms"
    return (
        f"{window.kind:>8} {window.calls:4d} calls: p50 {window.p50:.2f} p95 {window.p95:.2f} p99 {window.p99:.2f} ms, "
        f"CPU {window.cpu:.1f} % ({window.cpu_per_call:.3f} % per call), {window.memory:.0f} KB per call, "
        f"lost {window.lost}, out of order {window.disordered}, "
        f"waited {window.waited:.1f} % (load {window.load_waited:.1f} %)"
        f"{lag} {' '.join(window.faults)}"
    )


def sweep(seconds: float) -> list[MeasurementWindow]:
    """Measure all kinds of processes in turn, at each number of calls until all of them fail."""
    windows: list[MeasurementWindow] = []
    with call_benchmark() as benchmark, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        kinds: tuple[str, ...] = KINDS
        for number in CALL_COUNTS:
            for _ in range(WINDOWS_PER_COUNT.get(number, 1)):
                windows += runner.run(measure_each(benchmark, number, seconds, kinds))
            kinds = tuple(
                kind for kind in kinds if any(w.is_good for w in windows if (w.kind, w.calls) == (kind, number))
            )
            if not kinds:
                break
    return windows


def profile(number: int, seconds: float) -> None:
    """Profile the gateway with cProfile. The shares are meaningful; the absolute times are not."""
    import pstats  # noqa: PLC0415

    with call_benchmark() as benchmark, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        profile_path = benchmark.scratch / "profile"

        async def run() -> None:
            server = await asyncio.get_running_loop().create_server(EchoModel, "127.0.0.1", 0)
            benchmark.model_port = server.sockets[0].getsockname()[1]
            sessions = await asyncio.to_thread(benchmark.create_sessions, number)
            with benchmark.gateway("-m", "cProfile", "-o", str(profile_path), "-m", "config.gateway") as (
                process,
                port,
            ):
                print(format_window(await measure("gateway", process, port, sessions, number, seconds)))
            server.close()

        runner.run(run())
        pstats.Stats(str(profile_path)).sort_stats("tottime").print_stats(45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=0, help="number of calls; without it, every number in turn")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each measurement (default: 5)")
    parser.add_argument(
        "--profile", type=int, default=0, metavar="CALLS", help="profile the gateway with this many calls"
    )
    parser.add_argument("--only", choices=KINDS, help="measure only this kind of process")
    arguments = parser.parse_args()
    if arguments.profile:
        profile(arguments.profile, arguments.seconds)
    elif arguments.calls:
        kinds = (arguments.only,) if arguments.only else KINDS
        with call_benchmark() as benchmark, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure_each(benchmark, arguments.calls, arguments.seconds, kinds))
    else:
        print(json.dumps([asdict(window) for window in sweep(arguments.seconds)]))


if __name__ == "__main__":
    main()
