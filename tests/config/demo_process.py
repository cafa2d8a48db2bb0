"""Demo in its own process and data folder, started the way a new user would, and an HTTP client for it."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120.0  # longest wait for an event or a response, in seconds


def wait_until(condition: Callable[[], object], description: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, f"Still not true after {TIMEOUT:.0f} s: {description}"
        time.sleep(0.02)


class DemoProcess:
    def __init__(self, folder: Path, *arguments: str, wrapper: tuple[str, ...] = (), **environment: str) -> None:
        self.marker = uuid4().hex
        self.printed = folder / f"printed-{self.marker}"
        # Pass only the variables of a new user's shell: the settings of this test run must not leak into the demo.
        usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        ours = {"STEADYLINE_VAR": str(folder / "var"), "WEB_PORT": "0", "GATEWAY_PORT": "0", "MARKER": self.marker}
        with self.printed.open("w") as output:
            self.process = subprocess.Popen(
                [*wrapper, sys.executable, "-m", "config.launcher", *arguments],
                cwd=ROOT,
                env=usual | ours | environment,
                stdout=output,
                stderr=output,
            )

    def wait_until_ready(self) -> "DemoProcess":
        wait_until(lambda: "is ready" in self.output or self.process.poll() is not None, "the demo is ready")
        assert self.process.poll() is None, self.output
        return self

    def wait_until_gone(self) -> None:
        self.process.wait(TIMEOUT)
        wait_until(lambda: not self.processes(), f"no process is left; now {self.processes()}")

    def processes(self) -> list[str]:
        """Return the command lines of all running processes of this demo, found by the marker in their environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.marker.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:  # the process has ended in the meantime or belongs to another user
                continue
        return found

    @property
    def output(self) -> str:
        return self.printed.read_text()

    @property
    def web_port(self) -> int:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.output)
        assert found, self.output
        return int(found[1])


class HttpVisitor:
    """Minimal HTTP client that keeps cookies, logs in, and calls the API."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def log_in(self, email: str, password: str) -> int:
        self.send("GET", "/account/login/")
        form = {"login": email, "password": password, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        return self.send("POST", "/account/login/", urlencode(form), "application/x-www-form-urlencoded")[0]

    def send(self, method: str, path: str, body: str = "", content_type: str = "application/json") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {
            "Content-Type": content_type,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "X-CSRFToken": self.cookies.get("csrftoken", ""),
            "Prefer": "wait=20",
        }
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for header in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def post_json(self, path: str, data: dict[str, str]) -> tuple[int, dict[str, object]]:
        status, text = self.send("POST", path, json.dumps(data))
        return status, json.loads(text)
