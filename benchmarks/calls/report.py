"""The table and text about calls in docs/measured.md, built from the figures alone."""

from statistics import median
from typing import Any

MAX_P99_MS = 20.0  # 99th percentile of added latency at which a number of calls counts as too many
TARGETS = {"cpu_ratio": 1.8, "calls": 200, "kb": 256.0}  # CPU relative to the relay, calls on one core, KB per call
INTRODUCTION = """\
The gateway runs as its own process on PostgreSQL, with recording and transcripts. It is compared with a bare
`websockets` relay on uvloop that only translates messages. The measured process has one core; browsers, model, and
database share the other. Every call sends 50 frames of 20 ms per second. While the caller speaks (10 s of every 11.5
s), each frame comes back, so it passes the measured process twice. Times are the added latency in milliseconds. CPU
is the share of one core over all threads, in the window with the least CPU; medians are in parentheses.
"""


def gateway_section(figures: dict[str, Any]) -> str:
    windows = figures["windows"]
    numbers = sorted({window["calls"] for window in windows})
    rows = [row for calls in numbers for row in table_rows(windows, calls)]
    head = "| calls | | p50 | p95 | p99 | CPU per call | ratio to relay | KB per call | loop lag | lost |"
    line = "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    return "\n".join(
        [INTRODUCTION, head, line, *rows, "", summary(windows), "", long_call_summary(figures["long_call"])]
    )


def select_windows(windows: list[dict[str, Any]], kind: str, calls: int) -> list[dict[str, Any]]:
    return [window for window in windows if (window["kind"], window["calls"]) == (kind, calls)]


def is_good(window: dict[str, Any]) -> bool:
    return not (window["lost"] or window["disordered"] or window["faults"]) and window["p99"] < MAX_P99_MS


def best_window(windows: list[dict[str, Any]]) -> dict[str, Any]:
    return min(windows, key=lambda window: (not is_good(window), window["cpu"]))


def table_rows(windows: list[dict[str, Any]], calls: int) -> list[str]:
    rows = []
    for kind in ("relay", "gateway"):
        some = select_windows(windows, kind, calls)
        if not some:
            continue
        one = best_window(some)
        middle = median(window["cpu"] for window in some) / calls
        lag = "" if one["lag"] is None else f"{one['lag']:.0f} ms"
        rows.append(
            f"| {calls} | {kind} | {one['p50']:.2f} | {one['p95']:.2f} | {one['p99']:.2f} "
            f"| {one['cpu'] / calls:.3f} % ({middle:.3f}) | {ratio(windows, kind, calls)} | {one['memory']:.0f} "
            f"| {lag} | {one['lost']}{' ' + one['faults'][0] if one['faults'] else ''} |"
        )
    return rows


def ratio(windows: list[dict[str, Any]], kind: str, calls: int) -> str:
    value = cpu_ratio(windows, calls) if kind == "gateway" else None
    return f"{value:.2f}" if value else ""


def cpu_ratio(windows: list[dict[str, Any]], calls: int) -> float | None:
    relay, gateway = select_windows(windows, "relay", calls), select_windows(windows, "gateway", calls)
    return best_window(gateway)["cpu"] / best_window(relay)["cpu"] if relay and gateway else None


def max_good_calls(windows: list[dict[str, Any]], kind: str) -> int:
    return max((window["calls"] for window in windows if window["kind"] == kind and is_good(window)), default=0)


def summary(windows: list[dict[str, Any]]) -> str:
    reached = cpu_ratio(windows, 60) or 0.0
    ratios = [
        gateway["cpu"] / relay["cpu"]
        for gateway, relay in zip(
            select_windows(windows, "gateway", 60), select_windows(windows, "relay", 60), strict=False
        )
    ]
    calls, relay = max_good_calls(windows, "gateway"), max_good_calls(windows, "relay")
    memory = best_window(select_windows(windows, "gateway", 60))["memory"]
    return (
        f"At 60 calls the gateway uses {reached:.2f} times the relay's CPU (pairs: "
        f"{', '.join(f'{one:.2f}' for one in ratios)}; target: {TARGETS['cpu_ratio']}) and {memory:.0f} KB per call "
        f"(target: {TARGETS['kb']:.0f}). One core handled {calls} calls with the 99th percentile under "
        f"{MAX_P99_MS:.0f} ms and no loss (target: {TARGETS['calls']}). The relay handled {relay}, the most we tried."
    )


def long_call_summary(figures: dict[str, Any]) -> str:
    seen = {int(minute): kb for minute, kb in figures["kb_at_minute"].items()}
    grown, turns = seen[60] - seen[5], figures["turns"]
    return (
        f"In a simulated call of 60 minutes, {turns} turns, and {figures['recorded_mb']:.0f} MB of recording, "
        f"the process grew by {grown:.0f} KB from minute 5 to minute 60: {grown / turns:.2f} KB per turn."
    )
