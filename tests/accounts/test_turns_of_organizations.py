"""Turns between organizations, heartbeats of claims, and queueing without a broker."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts import tasks
from accounts.models import Delivery, Organization, User, Webhook
from accounts.services import task_queue
from accounts.services.leases import keep_claimed, work_in_turn
from accounts.services.task_queue import BrokerOutage, queue_on_commit, queue_task
from tests.support.leases import expire_leases

pytestmark = pytest.mark.both_databases

LIMIT = 2


@pytest.fixture
def add_deliveries(organization, other_organization, admin) -> Callable[[Organization, int], list[Delivery]]:
    """Return a function that adds deliveries of an organization, each a little later than the one before."""
    age = [timedelta(hours=1)]

    def add(owner: Organization, count: int) -> list[Delivery]:
        by = User.objects.create_user(
            f"{owner.name}{count}@example.org".replace(" ", ""), organization=owner, role="admin"
        )
        hook = Webhook.objects.create(organization=owner, url="https://example.org/", created_by=by)
        rows = []
        for _ in range(count):
            age[0] -= timedelta(seconds=1)
            rows.append(
                Delivery.objects.create(
                    organization=owner, webhook=hook, event="e", payload={}, available_at=timezone.now() - age[0]
                )
            )
        return rows

    return add


def test_organizations_take_turns(add_deliveries, organization, other_organization):
    burst = add_deliveries(organization, 5)
    later = add_deliveries(other_organization, 2)

    assert list(Delivery.objects.in_turn(9)) == [burst[0], later[0], burst[1], later[1], *burst[2:]]


def test_claimed_rows_count_as_turns(add_deliveries, organization, other_organization):
    burst = add_deliveries(organization, 4)
    later = add_deliveries(other_organization, 2)

    Delivery.objects.claim(burst[0].pk, 60)
    assert list(Delivery.objects.in_turn(LIMIT)) == [later[0], burst[1], later[1]]

    Delivery.objects.claim(burst[1].pk, 60)
    assert list(Delivery.objects.in_turn(LIMIT)) == later

    # A claim that has expired, a row that waits for a retry, and a settled row take no turn.
    expire_leases(Delivery.objects.filter(pk=burst[0].pk))
    Delivery.objects.filter(pk=burst[1].pk).put_back(600)
    assert list(Delivery.objects.in_turn(LIMIT)) == [burst[0], later[0], burst[2], later[1]]


class Message:
    """A task that is recorded instead of queued."""

    name = "accounts.tasks.deliver_webhook"

    def __init__(self) -> None:
        self.queued: list[str] = []

    def apply_async(self, ids, **options) -> None:
        self.queued.append(*ids)


def test_messages_of_a_burst_also_do_the_work_of_others(add_deliveries, organization, other_organization):
    burst = add_deliveries(organization, 6)
    [later] = add_deliveries(other_organization, 1)
    message, done = Message(), []

    def work(pk) -> None:
        done.append(pk)
        Delivery.objects.filter(pk=pk).settle()

    # The first message is still being processed.
    Delivery.objects.claim(burst[0].pk, 60)
    work_in_turn(message, Delivery.objects.all(), work)

    assert done == [later.pk]
    assert message.queued == [str(burst[1].pk)]


def test_row_that_cannot_be_claimed_is_not_queued_in_a_loop(add_deliveries, organization):
    add_deliveries(organization, 1)
    message = Message()

    work_in_turn(message, Delivery.objects.all(), lambda pk: None)

    assert message.queued == []


def test_sweep_queues_no_more_rows_of_an_organization_than_it_may_process(
    add_deliveries, organization, other_organization, settings, monkeypatch
):
    settings.ORGANIZATION_LIMITS = settings.ORGANIZATION_LIMITS | {"webhooks": LIMIT}
    burst = add_deliveries(organization, 9)
    [later] = add_deliveries(other_organization, 1)
    queued = []
    monkeypatch.setattr(tasks.deliver_webhook, "apply_async", lambda ids, **options: queued.append(*ids))

    tasks.sweep_deliveries()

    assert queued == [str(row.pk) for row in (burst[0], later, burst[1])]


@pytest.mark.django_db(transaction=True)
def test_claim_outlives_its_lease_while_its_worker_works(add_deliveries, organization):
    [row] = add_deliveries(organization, 1)
    claim = Delivery.objects.claim(row.pk, 0.3)
    is_renewed = threading.Event()

    with keep_claimed(claim, 0.3):
        while not is_renewed.is_set():
            row.refresh_from_db()
            if row.available_at > claim.available_at + timedelta(seconds=0.5):
                is_renewed.set()

    assert Delivery.objects.fenced(claim).settle() == 1


@pytest.mark.django_db(transaction=True)
def test_heartbeat_ends_when_the_claim_is_lost(add_deliveries, organization):
    [row] = add_deliveries(organization, 1)
    claim = Delivery.objects.claim(row.pk, 0.3)
    earlier = set(threading.enumerate())

    with keep_claimed(claim, 0.3):
        [thread] = [one for one in set(threading.enumerate()) - earlier if one.name == "lease"]
        Delivery.objects.filter(pk=row.pk).settle()
        thread.join(60)
        assert not thread.is_alive()

    row.refresh_from_db()
    assert row.available_at is None


@pytest.fixture
def outage(monkeypatch) -> BrokerOutage:
    fresh = BrokerOutage()
    monkeypatch.setattr(task_queue, "outage", fresh)
    return fresh


def test_broker_that_is_away_fails_nothing_and_is_asked_once(
    outage, monkeypatch, django_capture_on_commit_callbacks, caplog, db
):
    asked = []

    def fail(ids, **options):
        asked.append(ids)
        raise OperationalError

    monkeypatch.setattr(tasks.deliver_webhook, "apply_async", fail)
    caplog.set_level(logging.WARNING, logger=task_queue.__name__)

    with django_capture_on_commit_callbacks(execute=True):
        for number in range(5):
            queue_on_commit(tasks.deliver_webhook, number)

    assert (asked, len(caplog.records)) == ([(0,)], 1)


def test_broker_is_asked_again_after_the_pause(outage, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.deliver_webhook, "apply_async", lambda ids, **options: sent.append(ids))
    outage.record(OSError())
    assert queue_task(tasks.deliver_webhook, 1) is False

    outage.end()

    assert queue_task(tasks.deliver_webhook, 2) is True
    assert sent == [(2,)]
