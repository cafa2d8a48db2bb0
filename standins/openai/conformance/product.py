"""The product in its demo form: `make demo`'s launcher as a child process, with a logged-in counselor."""

import asyncio
import http.cookiejar
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

ROOT = Path(__file__).resolve().parents[3]
COUNSELOR, PASSWORD = "counselor@example.org", "steadyline-demo"
# Short, so that a run is short. The scripts only rely on these being shorter than their own timeouts.
DEADLINES = {
    "CALLER_OPENS_AFTER": "60",
    "RESPONSE_LOST_AFTER": "2.5",
    "IDLE_WARN_AFTER": "7",
    "IDLE_END_AFTER": "9",
    "FRAMES_LOST_AFTER": "5",
}


class ProductProcess:
    """Context manager that runs the demo against an OpenAI base URL and stops it on exit."""

    def __init__(self, folder: Path, openai_url: str) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        self.environment = {
            **inherited,
            **DEADLINES,
            "WEB_PORT": "0",
            "GATEWAY_PORT": "0",
            "STEADYLINE_VAR": str(folder),
            "OPENAI_API_KEY": "sk-conformance",
            "OPENAI_BASE_URL": openai_url,
            "NO_PROXY": "127.0.0.1",
            # One person takes the calls of all scripts within minutes.
            "SESSIONS_PER_HOUR": "1000",
            "TICKETS_PER_MINUTE": "1000",
        }
        self.log_path = folder / "output.log"
        self.cookies = http.cookiejar.CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(self.cookies))
        self.address = ""

    def __enter__(self) -> "ProductProcess":
        with self.log_path.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.launcher", "--stop-with-parent"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    async def wait_until_ready(self, seconds: float = 90.0) -> None:
        """Wait until the demo is ready, then log the counselor in. Raise SystemExit if it does not start."""
        for _ in range(round(seconds * 10)):
            found = re.search(r"ready: (http://\S+)", self.log_path.read_text())
            if found:
                self.address = found[1]
                await asyncio.to_thread(self._log_in)
                return
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        raise SystemExit(f"The product did not start:\n{self.log_path.read_text()[-2000:]}")

    def _log_in(self) -> None:
        page = f"{self.address}/account/login/"
        form = self.opener.open(page).read().decode()
        token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, "the login page has no form"
        fields = {"csrfmiddlewaretoken": token[1], "login": COUNSELOR, "password": PASSWORD}
        answer = self.opener.open(Request(page, urlencode(fields).encode(), {"Referer": page}))
        assert "login" not in answer.url, "the login was refused"

    async def call_api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await asyncio.to_thread(self._call_api, method, path, body)

    def _call_api(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        headers = {"Content-Type": "application/json", "X-CSRFToken": token or "", "Referer": self.address + "/"}
        data = json.dumps(body).encode() if body is not None else None
        with self.opener.open(Request(f"{self.address}/api{path}", data, headers, method=method)) as answer:
            result: dict[str, Any] = json.loads(answer.read())
            return result
