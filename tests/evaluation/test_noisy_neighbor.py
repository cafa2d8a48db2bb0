"""A quiet organization beside one whose receivers drip, whose models hang, and whose work piles up.

The noisy organization's calls to OpenAI and to its receiver never end while the test runs. Whatever waited for one of
them would never come.
"""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
import redis

from accounts.models import Delivery, Organization, User, Webhook
from config.celery import build_app
from evaluation.models import Evaluation
from tests.support.fixtures import add_person, add_scenario, write_turns
from tests.support.prove_run import IS_PROVE_RUN
from tests.support.raw_receiver import RawReceiver
from tests.support.worker_process import BeatProcess, QueueWorkers, find_children
from tests.voicegateway.gateway_process import wait_until
from training.models import EndReason, Session
from training.services.session_start import start_free_practice
from training.services.sessions import end_session

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 40 if IS_PROVE_RUN else 6  # rows of each kind that the noisy organization queues first
LIMIT = 2  # rows of one organization in a queue at once
WORKERS = {
    "WORKER_PROCESSES": "greetings=3,sweeps=1,grades=3,imports=2,webhooks=3,mails=1",
    "ORGANIZATION_LIMITS": "greetings=2,grades=2,imports=1,webhooks=2",
    "WEBHOOKS_TO_PRIVATE": "true",
    "WEBHOOK_TIMEOUT": "600",
}
NOISY, QUIET = "noisycenter", "quietcenter"


@pytest.fixture
def broker(redis_url) -> Iterator[Callable[[str, object], None]]:
    """Yield a function that queues a task on an empty Redis."""
    redis.Redis.from_url(redis_url).flushdb()
    app = build_app()
    app.conf.broker_url = redis_url
    app.conf.broker_transport_options = {}
    yield lambda task, pk: app.send_task(task, [str(pk)])
    app.close()


@pytest.fixture
def receivers() -> Iterator[dict[str, RawReceiver]]:
    answer = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
    started = {NOISY: RawReceiver(b"HTTP/1.1 200 OK\r\n", b"a"), QUIET: RawReceiver(answer)}
    yield started
    for receiver in started.values():
        receiver.close()


class Center:
    """An organization whose name occurs in all that its sessions send to OpenAI."""

    def __init__(self, name: str, receiver: RawReceiver) -> None:
        self.name = name
        self.organization = Organization.objects.create(name=name)
        self.counselor = add_person(self.organization, User.Role.COUNSELOR, f"counselor@{name}.example")
        self.hook = Webhook.objects.create(
            organization=self.organization,
            url=f"http://127.0.0.1:{receiver.port}/",
            events=[],
            created_by=self.counselor,
            secret="whsec_eA==",
        )
        self.scenario = add_scenario(self.organization, name, prompt=f"You call the {name}.")

    def add_greetings(self, count: int) -> list[Session]:
        return [start_free_practice(self.counselor, "chat", self.scenario)[0] for _ in range(count)]

    def add_evaluations(self, count: int) -> list[Evaluation]:
        ended = []
        for session in self.add_greetings(count):
            write_turns(session, f"hi. is this the {self.name}?", "Hello, my name is Sam. What happened tonight?")
            end_session(session, EndReason.HUNG_UP)
            ended.append(session.evaluations.get())
        return ended

    def add_deliveries(self, count: int) -> list[Delivery]:
        fields = {"organization": self.organization, "webhook": self.hook, "event": "evaluation.ready", "payload": {}}
        return [Delivery.objects.create(**fields) for _ in range(count)]


def count_claims() -> dict[str, int]:
    pending = Session.objects.live().filter(greeting_status="pending")
    return {
        "grades": Evaluation.objects.filter(is_claimed=True).count(),
        "deliveries": Delivery.objects.filter(is_claimed=True).count(),
        "greetings": pending.filter(greeting_attempts__gt=0).count(),
    }


def test_quiet_center_waits_for_nothing_of_a_noisy_one(tmp_path, redis_url, broker, receivers, standin):
    noisy, quiet = (Center(name, receivers[name]) for name in (NOISY, QUIET))
    standin.add_fault("POST /v1/responses", {"delay": 600}, times=None, contains=NOISY)
    for center, count in ((noisy, COUNT), (quiet, 1)):
        for evaluation in center.add_evaluations(count):
            broker("evaluation.tasks.grade_session", evaluation.pk)
        for delivery in center.add_deliveries(count):
            broker("accounts.tasks.deliver_webhook", delivery.pk)
        for session in center.add_greetings(count):
            broker("training.tasks.prepare_greeting", session.pk)
    waiting = Session.objects.live().filter(organization=quiet.organization)

    with (
        QueueWorkers(tmp_path, redis_url, standin.base_url, "greetings,sweeps,grades,imports", **WORKERS),
        QueueWorkers(tmp_path, redis_url, standin.base_url, "webhooks,mails", **WORKERS),
    ):
        wait_until(waiting.filter(greeting_status="ready").exists, "the quiet center's greeting has come")
        wait_until(Evaluation.objects.graded().exists, "the quiet center's grade has come")
        wait_until(Delivery.objects.filter(delivered_at__isnull=False).exists, "its delivery has arrived")
        limits = {"grades": LIMIT, "deliveries": LIMIT, "greetings": LIMIT}
        wait_until(lambda: count_claims() == limits, "the noisy center holds its share")
        wait_until(lambda: receivers[NOISY].connections >= LIMIT, "its deliveries have connected")
    assert (receivers[NOISY].connections, receivers[QUIET].connections) == (LIMIT, 1)
    assert Evaluation.objects.graded().get().organization == quiet.organization
    # All other rows of the noisy center still wait for their turn.
    assert Evaluation.objects.filter(attempts=0).count() == COUNT - LIMIT


def test_work_of_a_killed_worker_is_done_by_another_within_its_lease(tmp_path, redis_url, broker, receivers, standin):
    # Only the lease of the first worker is short: the second one must keep its own on a busy machine.
    quick = WORKERS | {"LOST_WORK_EVERY": "0.3"}
    [evaluation] = Center(QUIET, receivers[QUIET]).add_evaluations(1)
    standin.add_fault("POST /v1/responses", {"delay": 600}, contains=QUIET)
    broker("evaluation.tasks.grade_session", evaluation.pk)
    with QueueWorkers(tmp_path, redis_url, standin.base_url, "grades", **WORKERS, TASK_LOST_AFTER="1.5") as first:
        wait_until(lambda: standin.logged_requests("http", "/v1/responses"), "the first worker asks the model")
        first.kill()

    with (
        QueueWorkers(tmp_path, redis_url, standin.base_url, "sweeps,grades", **quick),
        BeatProcess(tmp_path, redis_url, **quick),
    ):
        wait_until(Evaluation.objects.graded().exists, "another worker has graded")

    evaluation.refresh_from_db()
    assert (evaluation.status, evaluation.attempts) == ("completed", 2)
    assert evaluation.session.evaluations.count() == 1


def test_worker_of_a_queue_that_ends_is_started_again(tmp_path, redis_url, broker, receivers, standin):
    [evaluation] = Center(QUIET, receivers[QUIET]).add_evaluations(1)
    with QueueWorkers(tmp_path, redis_url, standin.base_url, "sweeps,grades", **WORKERS) as workers:
        wait_until(lambda: workers.output.count(" ready.") == 2, "both workers are ready")
        for child in find_children(workers.process.pid):
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: workers.output.count("Starting another one.") == 2, "both have ended")
        broker("evaluation.tasks.grade_session", evaluation.pk)

        wait_until(Evaluation.objects.graded().exists, "the new worker has graded")
