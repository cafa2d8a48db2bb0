"""The schedule that remembers its runs in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from celery.schedules import schedule
from django.db import DatabaseError

from accounts.models import ScheduledRun
from config.beat import RETRY_AFTER, DatabaseScheduler
from tests.support.fixtures import run_concurrently

pytestmark = pytest.mark.both_databases

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Beat:
    """A beat that starts at the clock's time. `tick` returns the tasks that it queued."""

    def __init__(self, clock: Clock) -> None:
        # Without Celery's fixup for Django, which closes the test's connection.
        self.app = Celery("beat", set_as_current=False, fixups=[])
        daily = {"task": "tests.daily", "schedule": schedule(DAY), "options": {}}
        self.app.conf.beat_schedule = {"daily": daily}
        self.clock = clock
        self.queued: list[str] = []
        self.is_broker_away = False
        beat = self

        class SchedulerOfTest(DatabaseScheduler):
            def send_task(self, name, *args, **options):
                if beat.is_broker_away:
                    raise OSError
                beat.queued.append(name)

            producer = None

        SchedulerOfTest.clock = staticmethod(clock)
        self.scheduler = SchedulerOfTest(self.app)

    def tick(self) -> list[str]:
        """Look at the entry once, as Celery does when its time has come."""
        self.queued = []
        entry = self.scheduler.schedule["daily"]
        is_due, self.wait = self.scheduler.is_due(entry)
        if is_due:
            self.scheduler.apply_entry(self.scheduler.reserve(entry))
        return self.queued


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_daily_work_runs_although_beat_restarts_every_few_hours(db, clock):
    runs = []
    for _ in range(24):
        if Beat(clock).tick():
            runs.append((clock.now - START) // timedelta(hours=1))
        clock.now += timedelta(hours=5)

    # At the first start, and then at the first start after each whole day.
    assert runs == [0, 25, 50, 75, 100]


def test_celery_looks_at_a_remembered_entry_right_after_the_start(db, clock):
    beat = Beat(clock)

    wait = beat.scheduler.tick()

    assert (wait, beat.queued) == (0, ["tests.daily"])


def test_missed_runs_are_made_up_once(db, clock):
    Beat(clock).tick()
    clock.now += 10 * DAY
    beat = Beat(clock)

    assert (beat.tick(), beat.tick()) == (["tests.daily"], [])
    assert ScheduledRun.objects.get().ran_at == clock.now


def test_run_recorded_by_a_clock_that_was_ahead_does_not_stop_the_entry(db, clock):
    clock.now += 3650 * DAY
    Beat(clock).tick()
    clock.now = START
    beat = Beat(clock)

    assert (beat.tick(), beat.tick(), ScheduledRun.objects.get().ran_at) == (["tests.daily"], [], START)


def test_clock_set_back_slightly_repeats_no_run(db, clock):
    beat = Beat(clock)
    beat.tick()
    clock.now -= timedelta(hours=3)
    during = beat.tick()
    clock.now = START + DAY

    assert (during, beat.tick()) == ([], ["tests.daily"])


def test_several_beats_run_an_entry_once(db, clock):
    beats = [Beat(clock) for _ in range(3)]

    assert [beat.tick() for beat in beats] == [["tests.daily"], [], []]


@pytest.mark.django_db(transaction=True)
def test_beats_that_look_at_the_same_moment_run_an_entry_once():
    for now in (START, START + DAY):
        claims = run_concurrently(*[lambda now=now: ScheduledRun.objects.claim("daily", DAY, now)] * 4)

        assert sorted(claims) == [False, False, False, True]


def test_run_that_could_not_be_queued_is_tried_again_soon(db, clock):
    beat = Beat(clock)
    beat.is_broker_away = True
    assert beat.tick() == []
    assert timedelta(seconds=beat.wait) == RETRY_AFTER

    beat.is_broker_away = False
    assert beat.tick() == []
    clock.now += RETRY_AFTER

    assert beat.tick() == ["tests.daily"]


def test_beat_survives_a_database_that_is_away(db, clock, monkeypatch):
    beat = Beat(clock)

    def fail(*args):
        raise DatabaseError

    monkeypatch.setattr(ScheduledRun.objects, "claim", fail)

    assert (beat.tick(), beat.wait) == ([], RETRY_AFTER.total_seconds())
