"""A real gateway to which calls come and from which they go."""

import os

import pytest

from scenarios.models import Mode
from tests.voicegateway.gateway_process import wait_until
from tests.voicegateway.line import FRAME, Line, begin_calls
from training.models import Session
from training.services.sessions import start_free_practice

pytestmark = pytest.mark.heavy

DATABASE_THREADS = 4
CYCLES = 500 if os.environ.get("STEADYLINE_PROVE") else 40


def test_calls_that_come_and_go_leave_nothing_behind(own_gateway, standin, organization):
    gateway = own_gateway(LINE_KEPT_FOR="0.5", SWEEP_EVERY="600", CALLS_PER_PROCESS="50")
    calls = begin_calls(organization, 5)
    for session in calls:
        connect_and_drop(gateway, session)
    wait_until(lambda: not Session.objects.live().exists(), "every line has lapsed")
    before = settled(gateway)

    for number in range(CYCLES // 5):
        for session in begin_calls_of(calls):
            connect_and_drop(gateway, session)
        wait_until(lambda: not Session.objects.live().exists(), f"round {number} has lapsed")

    def is_back() -> bool:
        tasks, files = settled(gateway)
        # Each of the few threads for the database keeps a connection, from its first use on.
        return tasks <= before[0] + 2 and files <= before[1] + 2 + DATABASE_THREADS

    assert wait_until(is_back, f"tasks, files and connections are back to {before}; now {settled(gateway)}")
    assert wait_until(
        lambda: all(entry["ended"] for entry in standin.ledger("realtime")), "every upstream socket is closed"
    )


def begin_calls_of(calls: list[Session]) -> list[Session]:
    return [start_free_practice(session.counselor, Mode.PHONE)[0] for session in calls]


def connect_and_drop(gateway, session: Session) -> None:
    with Line(gateway, session, microphone=False) as line:
        line.send_frame(bytes(2 * FRAME), 0)
        line.wait_for("ready")
        line.drop()


def settled(gateway) -> tuple[int, int]:
    """Tasks and files, among which are the connections to the database and to the other end."""
    return gateway.ready()[1]["tasks"], gateway.open_files
