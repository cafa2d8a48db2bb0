"""Leaks in a real gateway after many calls."""

from scenarios.models import Mode
from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.gateway_process import wait_until
from tests.voicegateway.scripted_counselor import FRAME_SAMPLES, ScriptedCounselor, start_calls
from training.models import Session
from training.services.session_start import start_free_practice

DATABASE_THREADS = 4
CYCLES = 500 if IS_PROVE_RUN else 20


def test_dropped_calls_leak_no_tasks_or_files(own_gateway, standin, organization):
    gateway = own_gateway(LINE_KEPT_FOR="0.5", SWEEP_EVERY="600", CALLS_PER_PROCESS="50")
    calls = start_calls(organization, 5)
    for session in calls:
        connect_and_drop(gateway, session)
    wait_until(lambda: not Session.objects.live().exists(), "every call has expired")
    before = open_resources(gateway)

    for number in range(CYCLES // 5):
        for session in start_calls_again(calls):
            connect_and_drop(gateway, session)
        wait_until(lambda: not Session.objects.live().exists(), f"every call of round {number} has expired")

    def has_settled() -> bool:
        tasks, files = open_resources(gateway)
        # Each of the few database threads keeps its connection open after its first use.
        return tasks <= before[0] + 2 and files <= before[1] + 2 + DATABASE_THREADS

    assert wait_until(has_settled, f"tasks, files and connections are back to {before}; now {open_resources(gateway)}")
    assert wait_until(
        lambda: all(entry["ended"] for entry in standin.logged_requests("realtime")), "every upstream socket is closed"
    )


def start_calls_again(calls: list[Session]) -> list[Session]:
    return [start_free_practice(session.counselor, Mode.PHONE)[0] for session in calls]


def connect_and_drop(gateway, session: Session) -> None:
    with ScriptedCounselor(gateway, session, microphone=False) as line:
        line.send_frame(bytes(2 * FRAME_SAMPLES), 0)
        line.wait_for("ready")
        line.drop_connection()


def open_resources(gateway) -> tuple[int, int]:
    """Return the numbers of tasks and open files. Files include database and upstream connections."""
    return gateway.readiness()[1]["tasks"], gateway.open_files
