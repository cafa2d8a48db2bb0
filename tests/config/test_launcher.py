import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.launcher.bootstrap import SetupError, hold_lock
from config.launcher.demo import require_free_disk
from tests.config.demo_process import ROOT, DemoProcess, HttpVisitor

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc to find leftover processes"),
]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., DemoProcess]]:
    """Yield a function that starts demos on the test's own data. Kill those still running after the test."""
    demos = []

    def start(*arguments: str, **options: Any) -> DemoProcess:
        demos.append(DemoProcess(tmp_path, *arguments, **options))
        return demos[-1]

    yield start
    for demo in demos:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def saved_data(var: Path) -> tuple[str, list[tuple[str, str]]]:
    """Return the key that signs sessions, and each user's email address and ID."""
    database = sqlite3.connect(var / "demo.sqlite3")
    try:
        people = database.execute("SELECT email, id FROM accounts_user ORDER BY email").fetchall()
    finally:
        database.close()
    assert len(people) == 15
    return (var / "secret-key").read_text(), people


@pytest.mark.prove
def test_demo_starts_a_chat_with_its_worker_and_stand_in(start_demo):
    demo = start_demo().wait_until_ready()
    browser = HttpVisitor(demo.web_port)

    logged_in = browser.log_in("counselor@example.org", "steadyline-demo")
    status, session = browser.post_json("/api/sessions/", {"type": "free_practice", "mode": "chat"})

    assert (logged_in, status, session["greeting"]) == (302, 201, "ready")
    assert [turn["role"] for turn in session["transcript"]] == ["caller"]


def test_ctrl_c_stops_all_processes_without_a_traceback(start_demo):
    demo = start_demo().wait_until_ready()

    demo.process.send_signal(signal.SIGINT)
    demo.wait_until_gone()

    assert demo.process.returncode == 0
    assert demo.output.rstrip().endswith("Stopping …"), demo.output
    assert "Traceback" not in demo.output


def test_kill_leaves_no_process_and_the_next_start_keeps_the_data(start_demo, tmp_path):
    demo = start_demo().wait_until_ready()
    before = saved_data(tmp_path / "var")
    assert len(demo.processes()) == 2

    demo.process.kill()
    demo.wait_until_gone()
    start_demo().wait_until_ready()

    assert saved_data(tmp_path / "var") == before


@pytest.mark.prove
def test_demo_stops_with_the_make_that_started_it(start_demo):
    demo = start_demo("--stop-with-parent", wrapper=("sh", "-c", '"$@"; exit 3', "make")).wait_until_ready()

    demo.process.kill()
    demo.wait_until_gone()

    assert demo.processes() == []


def test_gateway_port_in_use_is_reported_in_one_line(start_demo):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start_demo(GATEWAY_PORT=str(port))
        demo.wait_until_gone()

    assert demo.process.returncode == 1
    assert demo.output == (
        f"Port {port} is already in use. Stop the program that uses it, or choose another port: "
        "make demo GATEWAY_PORT=8101\n"
    )


def test_invalid_port_is_reported_in_one_line(start_demo):
    demo = start_demo(WEB_PORT="http")
    demo.wait_until_gone()

    assert demo.process.returncode == 1
    assert demo.output == "WEB_PORT must be a port number from 1 to 65535, or 0 for any free port, not 'http'.\n"


def test_second_demo_on_the_same_data_is_refused_in_one_line(start_demo, tmp_path):
    (tmp_path / "var").mkdir()
    with hold_lock(tmp_path / "var" / "demo.lock", "not locked before"):
        demo = start_demo()
        demo.wait_until_gone()

    assert demo.process.returncode == 1
    assert demo.output == "The demo is already running. Stop it first: press Ctrl-C in its terminal.\n"


def test_invalid_setting_is_named_without_a_traceback(start_demo):
    demo = start_demo(CALL_LIMIT="an hour")
    demo.wait_until_gone()

    assert demo.process.returncode == 1
    assert "CALL_LIMIT" in demo.output
    assert "Traceback" not in demo.output


def test_partly_migrated_data_is_refused(start_demo, tmp_path):
    (tmp_path / "var").mkdir()
    with closing(sqlite3.connect(tmp_path / "var" / "demo.sqlite3")) as database:
        database.executescript((ROOT / "fixtures" / "upgrades" / "before_squash.sqlite.sql").read_text())
        database.executescript("DELETE FROM django_migrations WHERE app = 'evaluation' AND name > '0003'")

    demo = start_demo()
    demo.wait_until_gone()

    assert demo.process.returncode == 1
    assert "  evaluation: 0003_verdicts_with_proof, " in demo.output
    assert "Traceback" not in demo.output


def test_full_disk_is_refused(tmp_path):
    with pytest.raises(SetupError, match="The demo needs 1000000000000 MB"):
        require_free_disk(tmp_path, bytes_needed=10**18)


@pytest.mark.prove
def test_management_command_reaches_the_running_demos_stand_in(start_demo, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "openai-url").write_text("http://127.0.0.1:4/v1")
    question = "from django.conf import settings as s; print(s.OPENAI_BASE_URL, s.DATABASES['default']['NAME'])"

    command = start_demo("manage", "shell", "--no-imports", "-c", question)
    command.wait_until_gone()

    assert command.output == f"http://127.0.0.1:4/v1 {tmp_path}/var/demo.sqlite3\n"
