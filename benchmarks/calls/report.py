"""The table and text about calls in docs/measured.md, built from the figures alone."""

from dataclasses import dataclass, field
from statistics import median
from typing import TypedDict

MAX_P99_MS = 20.0  # a call count is too high once the 99th percentile of added latency reaches this
MAX_P99_MS_AT_60 = 5.0
# CPU relative to the relay at 60 calls, calls on one core, KB per call.
TARGETS = {"cpu_ratio": 1.6, "calls": 150, "kb": 256.0}
KINDS = ("relay", "bridge", "gateway", "slow disk")
INTRODUCTION = """\
The gateway runs as its own process on PostgreSQL, with recording and transcripts. It alternates with two baselines:
a bare `websockets` relay on uvloop that only converts messages, and a plain ASGI bridge on uvicorn that also keeps the
audio in memory. "Slow disk" is the gateway on a simulated disk whose syncs take 30 ms and hold up writes. The measured
process has one core; browsers, model, and database share the other. Every call sends 50 frames of 20 ms per second.
While the caller speaks (10 s of every 11.5 s), each frame comes back, so it passes through the measured process twice.
Times are the added latency in milliseconds. CPU is the share of one core over all threads, in the window with the least
CPU; medians are in parentheses.
"""


@dataclass
class MeasurementWindow:
    """Measurement of one process that handles a given number of calls."""

    kind: str  # one of KINDS
    calls: int
    seconds: float  # length of the measurement
    frames: int = 0  # frames that came back in the window
    lost: int = 0  # frames that the model echoed but no page received
    disordered: int = 0  # frames that came back out of order
    p50: float = 0.0  # ms of added latency
    p95: float = 0.0  # ms
    p99: float = 0.0  # ms
    cpu: float = 0.0  # % of a core
    loop_code: float = 0.0  # % of a core that the event loop's thread spent in its own code
    loop_system: float = 0.0  # % of a core that it spent in system calls, which read and write the sockets
    waited: float = 0.0  # % of the time that its threads spent waiting for a core
    load_waited: float = 0.0  # the same for the process that generates the load
    memory: float = 0.0  # KB per call, above the process without calls
    lag: float | None = None  # ms of event loop delay that the gateway reports
    faults: list[str] = field(default_factory=list)  # up to three early closes, or a note that no frame came back

    @property
    def cpu_per_call(self) -> float:
        return self.cpu / self.calls

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.disordered and not self.faults and self.p99 < MAX_P99_MS


class DiskFigures(TypedDict):
    """Time of one `fdatasync` after an append of 4 KiB, in milliseconds."""

    median: float
    p99: float


class LongCallFigures(TypedDict):
    """Memory growth of a simulated call of one hour."""

    kb_at_minute: dict[str, float]  # resident memory of the process; minutes are strings, as in JSON
    turns: int  # of both sides
    recorded_mb: float


def gateway_section(windows: list[MeasurementWindow], disk: DiskFigures, long_call: LongCallFigures) -> str:
    numbers = sorted({window.calls for window in windows})
    rows = [row for calls in numbers for row in table_rows(windows, calls)]
    head = "| calls | | p50 | p95 | p99 | CPU per call | ratio to relay | KB per call | loop lag | lost |"
    line = "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    return "\n".join(
        [
            INTRODUCTION,
            head,
            line,
            *rows,
            "",
            summary(windows),
            "",
            disk_summary(disk),
            "",
            long_call_summary(long_call),
        ]
    )


def select_windows(windows: list[MeasurementWindow], kind: str, calls: int) -> list[MeasurementWindow]:
    return [window for window in windows if (window.kind, window.calls) == (kind, calls)]


def best_window(windows: list[MeasurementWindow]) -> MeasurementWindow:
    """Return the window with the least CPU among the good ones, or among all if none is good."""
    return min(windows, key=lambda window: (not window.is_good, window.cpu))


def table_rows(windows: list[MeasurementWindow], calls: int) -> list[str]:
    rows = []
    for kind in KINDS:
        selected = select_windows(windows, kind, calls)
        if not selected:
            continue
        best = best_window(selected)
        median_cpu = median(window.cpu for window in selected) / calls
        lag = "" if best.lag is None else f"{best.lag:.0f} ms"
        rows.append(
            f"| {calls} | {kind} | {best.p50:.2f} | {best.p95:.2f} | {best.p99:.2f} "
            f"| {best.cpu / calls:.3f} % ({median_cpu:.3f}) | {ratio(windows, kind, calls)} | {best.memory:.0f} "
            f"| {lag} | {best.lost}{' ' + best.faults[0] if best.faults else ''} |"
        )
    return rows


def ratio(windows: list[MeasurementWindow], kind: str, calls: int) -> str:
    value = cpu_ratio(windows, kind, calls) if kind != "relay" else None
    return f"{value:.2f}" if value else ""


def cpu_ratio(windows: list[MeasurementWindow], kind: str, calls: int) -> float | None:
    relay, other = select_windows(windows, "relay", calls), select_windows(windows, kind, calls)
    return best_window(other).cpu / best_window(relay).cpu if relay and other else None


def max_good_calls(windows: list[MeasurementWindow], kind: str) -> int:
    return max((window.calls for window in windows if window.kind == kind and window.is_good), default=0)


def summary(windows: list[MeasurementWindow]) -> str:
    reached = cpu_ratio(windows, "gateway", 60) or 0.0
    ratios = [
        gateway.cpu / relay.cpu
        for gateway, relay in zip(
            select_windows(windows, "gateway", 60), select_windows(windows, "relay", 60), strict=False
        )
    ]
    calls, relay = max_good_calls(windows, "gateway"), max_good_calls(windows, "relay")
    best = best_window(select_windows(windows, "gateway", 60))
    return (
        f"At 60 calls the gateway uses {reached:.2f} times the relay's CPU (each pair of windows: "
        f"{', '.join(f'{one:.2f}' for one in ratios)}; target: {TARGETS['cpu_ratio']}) and {best.memory:.0f} KB per "
        f"call (target: {TARGETS['kb']:.0f}), with a 99th percentile of {best.p99:.1f} ms "
        f"(target: {MAX_P99_MS_AT_60:.0f}). One core handled {calls} calls with the 99th percentile under "
        f"{MAX_P99_MS:.0f} ms and no loss (target: {TARGETS['calls']}). The relay handled {relay}, the most we tried."
        f"\n\n{cpu_shares(best)}"
    )


def cpu_shares(window: MeasurementWindow) -> str:
    code, system = (round(100 * part / window.cpu) for part in (window.loop_code, window.loop_system))
    rest = max(0, 100 - code - system)
    return (
        f"Of the gateway's CPU at {window.calls} calls, the event loop's thread spends {code} % in its own code and "
        f"{system} % in system calls, which read and write the sockets. The other {rest} % go to the threads that "
        "write to the disk, upload, and save turns."
    )


def disk_summary(figures: DiskFigures) -> str:
    return (
        f"One `fdatasync` on the disk of the recordings took {figures['median']:.2f} ms "
        f"(99th percentile: {figures['p99']:.2f} ms)."
    )


def long_call_summary(figures: LongCallFigures) -> str:
    grown, turns = figures["kb_at_minute"]["60"] - figures["kb_at_minute"]["5"], figures["turns"]
    return (
        f"In a simulated call of 60 minutes, {turns} turns, and {figures['recorded_mb']:.0f} MB of recording, "
        f"the process grew by {grown:.0f} KB from minute 5 to minute 60: {grown / turns:.2f} KB per turn."
    )
