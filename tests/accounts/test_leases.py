"""A state machine of leases, and workers that claim one row at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Delivery, Webhook, leases
from accounts.services.leases import MAX_RETRY_SECONDS, SWEEP_BATCH_SIZE, queue_overdue, retry_delay
from accounts.tasks import deliver_webhook
from tests.support.fixtures import run_concurrently
from tests.support.leases import expire_leases
from tests.support.prove_run import IS_PROVE_RUN
from tests.voicegateway.gateway_process import wait_until

pytestmark = pytest.mark.both_databases

EXAMPLES, STEPS_EACH = (500, 60) if IS_PROVE_RUN else (15, 30)
LEASE = 60  # seconds
LOST_WORK_EVERY = 20  # seconds
LIMIT = 3  # attempts
PAUSES = [1, LOST_WORK_EVERY - 1, LOST_WORK_EVERY, LEASE - 1, LEASE, LEASE + 1, 3600]  # seconds

any_row = st.integers(0, 1)


@dataclass
class ExpectedRow:
    """Expected lease of one row, updated by the rules of the state machine."""

    available_at: datetime | None
    attempts: int = 0
    holder: Delivery | None = None  # the row as its current holder claimed it
    fence: int = 0  # last number seen in the database


class LeaseMachine(RuleBasedStateMachine):
    create_row: Callable[[], Delivery]

    @initialize()
    def begin(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(leases, "now", lambda: self.now)
        self.keys = [type(self).create_row().pk for _ in range(2)]
        self.rows.update(available_at=self.now)
        self.expected = {pk: ExpectedRow(self.now) for pk in self.keys}
        self.claims: list[Delivery] = []  # every claim ever made, including those that no longer hold

    @property
    def rows(self) -> leases.LeaseQuerySet:
        return Delivery.objects.filter(pk__in=self.keys)

    def draw_claim(self, data: st.DataObject) -> tuple[Delivery, ExpectedRow, bool]:
        """Draw a claim. Return it, the expected lease of its row, and whether the claim still holds."""
        claim = data.draw(st.sampled_from(self.claims))
        expected = self.expected[claim.pk]
        return claim, expected, expected.holder is claim

    @rule(seconds=st.sampled_from(PAUSES))
    def advance_time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(number=any_row)
    def claim(self, number: int) -> None:
        expected = self.expected[self.keys[number]]
        is_claimable = expected.available_at is not None and expected.available_at <= self.now

        claim = Delivery.objects.claim(self.keys[number], LEASE, failure="claimed")

        assert (claim is not None) == is_claimable
        if claim:
            self.claims.append(claim)
            expected.holder, expected.attempts = claim, expected.attempts + 1
            expected.available_at = self.now + timedelta(seconds=LEASE) + timedelta.resolution
            assert (claim.attempts, claim.available_at) == (expected.attempts, expected.available_at)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        claim, _, is_held = self.draw_claim(data)

        assert Delivery.objects.fenced(claim).update(failure="written") == is_held

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        claim, expected, is_held = self.draw_claim(data)

        assert Delivery.objects.fenced(claim).renew(LEASE) == is_held
        if is_held:
            expected.available_at = self.now + timedelta(seconds=LEASE)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), delay=st.sampled_from([0, 10, 600]), refund=st.booleans())
    def put_back(self, data: st.DataObject, delay: int, refund: bool) -> None:
        claim, expected, is_held = self.draw_claim(data)

        assert Delivery.objects.fenced(claim).put_back(delay, refund=refund) == is_held
        if is_held:
            expected.available_at, expected.holder = self.now + timedelta(seconds=delay), None
            expected.attempts -= refund

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        claim, expected, is_held = self.draw_claim(data)

        assert Delivery.objects.fenced(claim).settle(status=200) == is_held
        if is_held:
            expected.available_at, expected.holder = None, None

    @rule(number=any_row)
    def settle_exhausted_row(self, number: int) -> None:
        expected = self.expected[self.keys[number]]
        is_claimable = expected.available_at is not None and expected.available_at <= self.now

        settled_count = Delivery.objects.filter(pk=self.keys[number]).exhausted(LIMIT).settle()

        assert settled_count == (is_claimable and expected.attempts >= LIMIT)
        if settled_count:
            expected.available_at, expected.holder = None, None

    @rule(number=any_row)
    def requeue_settled_row(self, number: int) -> None:
        settled = Delivery.objects.filter(pk=self.keys[number], available_at=None)
        expected = self.expected[self.keys[number]]

        assert settled.requeue() == (expected.available_at is None)
        if expected.available_at is None:
            expected.available_at, expected.attempts = self.now, 0

    @rule(number=any_row)
    def requeue_row(self, number: int) -> None:
        expected = self.expected[self.keys[number]]

        assert Delivery.objects.filter(pk=self.keys[number]).requeue() == 1
        expected.available_at, expected.attempts, expected.holder = self.now, 0, None

    @rule(number=any_row)
    def settle_without_claim(self, number: int) -> None:
        expected = self.expected[self.keys[number]]

        assert Delivery.objects.filter(pk=self.keys[number]).settle() == 1
        expected.available_at, expected.holder = None, None

    @invariant()
    def only_current_holder_can_write(self) -> None:
        valid = [claim for claim in getattr(self, "claims", ()) if Delivery.objects.fenced(claim).exists()]

        assert valid == [claim for claim in getattr(self, "claims", ()) if self.expected[claim.pk].holder is claim]
        assert len({claim.pk for claim in valid}) == len(valid)

    @invariant()
    def fence_never_decreases(self) -> None:
        for row in self.rows if hasattr(self, "keys") else ():
            assert row.fence >= self.expected[row.pk].fence
            self.expected[row.pk].fence = row.fence

    @invariant()
    def overdue_rows_are_found(self) -> None:
        for row in self.rows if hasattr(self, "keys") else ():
            expected = self.expected[row.pk]
            assert (row.available_at, row.attempts) == (expected.available_at, expected.attempts)
            since = expected.available_at
            is_overdue = since is not None and since <= self.now - timedelta(seconds=LOST_WORK_EVERY)
            assert self.rows.overdue().filter(pk=row.pk).exists() == is_overdue

    def teardown(self) -> None:
        if hasattr(self, "patch"):
            self.patch.undo()


@pytest.fixture
def create_row(organization, admin) -> Callable[[], Delivery]:
    hook = Webhook.objects.create(organization=organization, url="https://example.org/", created_by=admin)
    return lambda: Delivery.objects.create(
        organization=organization, webhook=hook, event="session.completed", payload={}
    )


@pytest.mark.timeout(1800 if IS_PROVE_RUN else 300)
def test_row_has_one_holder_after_any_sequence_of_events(create_row, settings):
    settings.LOST_WORK_EVERY = LOST_WORK_EVERY
    LeaseMachine.create_row = staticmethod(create_row)
    options = hypothesis_settings(max_examples=EXAMPLES, stateful_step_count=STEPS_EACH, deadline=None)

    run_state_machine_as_test(LeaseMachine, settings=options)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [60, 0], ids=["held", "expired at once"])
def test_concurrent_claims_are_never_shared(create_row, seconds):
    row = create_row()

    claims = run_concurrently(*[lambda: Delivery.objects.claim(row.pk, seconds)] * 4)

    row.refresh_from_db()
    fences = [claim.fence for claim in claims if claim]
    assert fences and len(set(fences)) == len(fences)
    assert seconds == 0 or (fences, row.attempts) == ([1], 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one transaction write at a time")
def test_claim_after_row_lock_wait_returns_none(create_row):
    row = create_row()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = Delivery.objects.claim(row.pk, LEASE)
            second = pool.submit(claim_and_disconnect, row)
            wait_until(has_blocked_session, "the second worker waits for the row lock")

        assert first and second.result(60) is None
    row.refresh_from_db()
    assert (row.fence, row.attempts) == (1, 1)


def claim_and_disconnect(row: Delivery) -> Delivery | None:
    try:
        # Join another table, as the sweep does: PostgreSQL must recheck the row after waiting for the lock.
        return Delivery.objects.of_active_webhooks().claim(row.pk, LEASE)
    finally:
        connection.close()


def has_blocked_session() -> bool:
    """Return whether another session waits for a lock that this connection holds."""
    # Not pg_stat_activity: within a transaction it keeps showing its state at the first query.
    blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        cursor.execute(blocked)
        return cursor.fetchone()[0] > 0


def test_claim_only_finds_rows_of_its_queryset(create_row):
    row = create_row()

    assert Delivery.objects.exclude(pk=row.pk).claim(row.pk, LEASE) is None
    assert Delivery.objects.filter(webhook__is_active=True).claim(row.pk, LEASE) == row


def test_sweep_queues_longest_waiting_rows_up_to_batch_size(create_row, monkeypatch, settings):
    queued = []
    monkeypatch.setattr(deliver_webhook, "apply_async", lambda args, **options: queued.append((*args, options)))
    rows = [create_row() for _ in range(SWEEP_BATCH_SIZE + 2)]
    assert queue_overdue(Delivery.objects.overdue(), deliver_webhook) == 0

    expire_leases(Delivery.objects.exclude(pk=rows[0].pk))
    expire_leases(Delivery.objects.filter(pk=rows[1].pk))

    assert queue_overdue(Delivery.objects.overdue(), deliver_webhook) == SWEEP_BATCH_SIZE
    assert {str(row.pk) for row in rows[:2]} & {pk for pk, _ in queued} == set()
    assert {options["expires"] for _, options in queued} == {settings.LOST_WORK_EVERY}


@pytest.mark.parametrize(
    ("attempts", "retry_after", "delay"),
    [(1, None, 2.0), (3, None, 8.0), (9, None, MAX_RETRY_SECONDS), (1, 0.25, 0.25), (1, 600.0, MAX_RETRY_SECONDS)],
)
def test_retry_delay_uses_retry_after_or_doubles(attempts, retry_after, delay):
    assert retry_delay(attempts, retry_after) == delay
