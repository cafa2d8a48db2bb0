"""The gateway as a real process on the test's own database."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

from django.conf import settings
from django.db import connection

from recordings.audio.spool import MICROPHONE_FILE, recover_spool, try_lock_spool
from recordings.models import spool_folder
from tests.standins.openai.standin_process import StandinProcess
from tests.support.forked_program import ForkedProgram
from training.models import Session

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60.0  # seconds; generous, so that no test fails on a busy machine
ORIGIN = "http://practice.test"


def wait_until(condition: Callable[[], Any], description: str) -> Any:
    """Poll `condition` every 20 ms and return its first true answer. Raise AssertionError after TIMEOUT seconds."""
    deadline = time.monotonic() + TIMEOUT
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"This did not happen within {TIMEOUT:.0f} s: {description}"
        time.sleep(0.02)
    return answer


def database_url() -> str:
    """Return the URL of this test's database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(database['NAME']))}"
    user, host = f"{database['USER']}:{quote(database['PASSWORD'])}", f"{database['HOST']}:{database['PORT']}"
    return f"postgresql://{user}@{host}/{quote(database['NAME'])}"


def open_any_status(url: str) -> Any:
    """Open the URL and return the response, even if its status is an error."""
    try:
        return urlopen(url, timeout=TIMEOUT)
    except HTTPError as answer:
        return answer


def process_environment(openai_url: str) -> dict[str, str]:
    """Return the environment for one of our processes on this test's database and storage."""
    # Pass only what every process needs from the environment of the test run.
    usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return usual | {
        "SECRET_KEY": settings.SECRET_KEY,
        "INSTALLATION_ID": settings.INSTALLATION_ID,
        "ALLOWED_HOSTS": "127.0.0.1",
        "WEB_ORIGINS": ORIGIN,
        "GATEWAY_URL": "ws://127.0.0.1:1",
        "DATABASE_URL": database_url(),
        "REDIS_URL": "memory://localhost/",
        "STORAGE_URL": settings.STORAGE_URL,
        "SPOOL_DIR": str(settings.SPOOL_DIR),
        "SPOOL_BUFFER_DIR": settings.SPOOL_BUFFER_DIR,
        "EMAIL_URL": "memory:",
        "OPENAI_API_KEY": "sk-tests",
        "OPENAI_BASE_URL": openai_url,
        "NO_PROXY": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "HEARTBEAT_EVERY": "1",
        "DRAIN_FOR": "0",
        "CALLER_OPENS_AFTER": "60",
    }


def spooled_microphone(call: Session, epoch: int) -> bytes:
    """Return the microphone's audio in the spool of a killed gateway, as the next gateway would find it."""
    folder = spool_folder(call.pk, epoch)
    with try_lock_spool(folder) as has_no_writer:
        assert has_no_writer
        assert recover_spool(folder)
    return (folder / MICROPHONE_FILE).read_bytes()


class GatewayProcess:
    """A gateway process, killed at the end of its `with` block.

    `start()` starts it again on the same spool, as a new process on the same host.
    """

    def __init__(self, folder: Path, openai_url: str, **environment: str) -> None:
        self.spool = Path(environment.get("SPOOL_DIR", folder / "spool"))
        self.output_file = folder / "printed"
        self.environment = process_environment(openai_url) | {"SPOOL_DIR": str(self.spool)} | environment
        self.start()

    def start(self) -> None:
        self._read_from = len(self.output)
        with self.output_file.open("a") as output:
            self.process = ForkedProgram(
                "config.gateway", "--port", "0", env=self.environment, output=output, start_new_session=True
            )
        try:
            found = wait_until(lambda: self._address() or self.process.poll() is not None, "the gateway listens")
        except AssertionError:
            self.kill()  # a leftover process would cause warnings that fail later tests
            raise
        assert isinstance(found, str), self.output
        self.url = f"ws://{found}"

    def _address(self) -> str | None:
        found = re.search(r"running on http://(127\.0\.0\.1:\d+)", self.output[self._read_from :])
        return found[1] if found else None

    @property
    def output(self) -> str:
        return self.output_file.read_text() if self.output_file.exists() else ""

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of its /ready/ page."""
        answer = open_any_status(f"http{self.url[2:]}/ready/")
        return answer.status, json.loads(answer.read())

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) * 1024

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)

    def __enter__(self) -> "GatewayProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_running:
            self.kill()


def upstream_events(standin: StandinProcess, kind: str, number: int = -1) -> list[dict[str, Any]]:
    """Return the events of this type that a realtime connection (the latest by default) received."""
    events = standin.logged_requests("realtime")[number]["events"]
    return [event["event"] for event in events if event["type"] == kind]


def wait_for_end(session: Session) -> Session:
    """Wait until the session is over and return it."""

    def is_over() -> bool:
        session.refresh_from_db()
        return not session.is_live

    wait_until(is_over, "the session is over")
    return session
