"""The gateway as a real process, on the database that the test itself uses."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.openai_standin.process import StandinProcess
from training.models import Session

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds
ORIGIN = "http://practice.test"
# As config/launcher_parts.py serves it, but at once when it is to stop.
SERVED = [
    *("--host", "127.0.0.1", "--port", "0", "--loop", "uvloop", "--lifespan", "on", "--no-access-log"),
    *("--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-max-queue", "16"),
    *("--ws-per-message-deflate", "false", "--ws-ping-interval", "20", "--ws-ping-timeout", "20"),
    *("--timeout-graceful-shutdown", "5"),
]


def wait_until(is_so: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer; nothing here waits longer than it must."""
    deadline = time.monotonic() + patience
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"Not within {patience:.0f} s: {what}"
        time.sleep(0.02)
    return answer


def database_url() -> str:
    """Where this test's rows are."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(database['NAME']))}"
    user, host = f"{database['USER']}:{quote(database['PASSWORD'])}", f"{database['HOST']}:{database['PORT']}"
    return f"postgresql://{user}@{host}/{quote(database['NAME'])}"


class GatewayProcess:
    """Ends with its `with` block. `begin()` starts it anew on the same spool: another process of the same host."""

    def __init__(self, folder: Path, openai_url: str, largest_file: int | None = None, **environment: str) -> None:
        self.spool = folder / "spool"
        self.printed = folder / "printed"
        self.largest_file = largest_file
        self.environment = self._settings(openai_url) | environment
        self.begin()

    def begin(self) -> None:
        self._read_from = len(self.output)
        with self.printed.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "config.gateway_asgi:application", *SERVED],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=self._limit_files if self.largest_file else None,
            )
        found = wait_until(lambda: self._address() or self.process.poll() is not None, "the gateway listens")
        assert isinstance(found, str), self.output
        self.url = f"ws://{found}"

    def _address(self) -> str | None:
        found = re.search(r"running on http://(127\.0\.0\.1:\d+)", self.output[self._read_from :])
        return found[1] if found else None

    def _settings(self, openai_url: str) -> dict[str, str]:
        # Of this test run's own environment only what any process needs.
        usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return usual | {
            "SECRET_KEY": settings.SECRET_KEY,
            "ALLOWED_HOSTS": "127.0.0.1",
            "WEB_ORIGINS": ORIGIN,
            "GATEWAY_URL": "ws://127.0.0.1:1",
            "DATABASE_URL": database_url(),
            "REDIS_URL": "memory://localhost/",
            "STORAGE_URL": settings.STORAGE_URL,
            "SPOOL_DIR": str(self.spool),
            "EMAIL_URL": "memory:",
            "OPENAI_API_KEY": "sk-tests",
            "OPENAI_BASE_URL": openai_url,
            "NO_PROXY": "127.0.0.1",
            "HEARTBEAT_EVERY": "1",
            "CALLER_OPENS_AFTER": "60",
        }

    def _limit_files(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file or 0, self.largest_file or 0))

    @property
    def output(self) -> str:
        return self.printed.read_text() if self.printed.exists() else ""

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """SIGTERM, and its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> "GatewayProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.kill()


def upstream_events(standin: StandinProcess, kind: str, number: int = -1) -> list[dict[str, Any]]:
    """What a realtime connection, by default the latest, was sent of this kind."""
    events = standin.ledger("realtime")[number]["events"]
    return [event["event"] for event in events if event["type"] == kind]


def wait_for_end(session: Session) -> Session:
    """The session, once it is over."""

    def look() -> bool:
        session.refresh_from_db()
        return not session.is_live

    wait_until(look, "the session is over")
    return session
