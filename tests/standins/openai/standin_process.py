"""Stand-in as a child process, for all tests that need one."""

import json
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[3]
READY_PREFIX = "standins.openai listening on "
TIMEOUT = 60  # seconds


class StandinProcess:
    """Stand-in process that ends with its `with` block or with this process.

    `with StandinProcess("--index-lag", "0") as standin:`
    """

    def __init__(self, *options: str, cwd: Path = ROOT) -> None:
        command = [sys.executable, "-m", "standins.openai", "--port", "0", "--exit-with-stdin", *options]
        self.process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base_url = self._await_address()
        self.root_url = self.base_url.removesuffix("/v1")

    def _await_address(self) -> str:
        assert self.process.stdout is not None
        watchdog = Timer(TIMEOUT, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line.startswith(READY_PREFIX):
            self.stop()
            raise RuntimeError(f"The stand-in did not start: {line!r}")
        return line.removeprefix(READY_PREFIX).strip()

    def logged_requests(self, kind: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """Return the requests so far, oldest first. `kind` is http or realtime, `path` a prefix."""
        entries = self.request("GET", "/standin/ledger")["entries"]
        return [entry for entry in entries if kind in (None, entry["kind"]) and entry["path"].startswith(path)]

    def clear_request_log(self) -> None:
        self.request("DELETE", "/standin/ledger")

    def add_fault(self, match: str, fault: dict[str, Any], times: int | None = 1, contains: str = "") -> None:
        """Inject the fault into the next `times` matching calls (None: into all of them, until `clear_faults`)."""
        body = {"match": match, "fault": fault, "times": times, "contains": contains}
        self.request("POST", "/standin/faults", body)

    def clear_faults(self) -> None:
        self.request("DELETE", "/standin/faults")

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.root_url + path, data=data, method=method), timeout=TIMEOUT) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def stop(self) -> None:
        """Stop the process by closing its input, and wait for it."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "StandinProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
