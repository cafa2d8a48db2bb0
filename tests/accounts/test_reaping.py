"""Candidates, grace period, and daily share of the reapers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Installation, ReapCandidate
from accounts.services.ownership import MARKER_KEY, Marker
from accounts.services.reaping import reap
from recordings.storage import object_store
from tests.support.fixtures import *  # noqa: F403

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def limits(owned_store, settings):
    settings.REAP_GRACE, settings.REAP_SHARE, settings.REAP_AT_LEAST = 86_400, 2, 3


@pytest.fixture
def clock(monkeypatch):
    """Return a function that advances the time by days."""
    state = {"now": timezone.now()}
    monkeypatch.setattr(timezone, "now", lambda: state["now"])

    def advance(days: float) -> None:
        state["now"] += timedelta(days=days)

    return advance


class Store:
    """Numbered objects, of which some have no owner."""

    def __init__(self, orphans: int, known: int = 0) -> None:
        self.orphans = [f"object-{number:04}" for number in range(orphans)]
        self.known = known or orphans

    def reap(self, is_all: bool = False):
        return reap("tests", list(self.orphans), lambda: self.known, self.remove, is_all)[0]

    def remove(self, key: str) -> int:
        self.orphans.remove(key)
        return 1


def test_first_run_only_lists_candidates(clock):
    store = Store(2)

    report = store.reap()

    assert (report.candidates, report.due, report.removed, len(store.orphans)) == (2, 0, [], 2)


def test_removal_waits_for_the_grace_period(clock):
    store = Store(2)
    store.reap()
    clock(0.9)
    before = store.reap().removed
    clock(0.2)

    assert (before, store.reap().removed) == ([], ["object-0000", "object-0001"])


def test_object_with_an_owner_again_leaves_the_candidates(clock):
    store = Store(2)
    store.reap()
    returned = store.orphans.pop()
    clock(2)
    store.reap()
    store.orphans.append(returned)

    assert store.reap().removed == []
    assert ReapCandidate.objects.get(removed_at=None).key == returned


@pytest.mark.parametrize(("known", "daily"), [(20, 3), (150, 3), (1000, 20), (1001, 21)])
def test_daily_share_limits_removals(clock, known, daily):
    store = Store(100, known)
    store.reap()
    clock(1.5)

    runs = [len(store.reap().removed) for _ in range(3)]
    clock(1.1)

    assert (runs, len(store.reap().removed)) == ([daily, 0, 0], daily)


def test_all_removes_everything_that_is_due(clock):
    store = Store(50)
    first = store.reap(is_all=True).removed
    clock(1.5)

    assert (first, len(store.reap(is_all=True).removed), store.orphans) == ([], 50, [])


@pytest.mark.parametrize("is_all", [False, True])
def test_dry_run_removes_nothing(clock, settings, is_all):
    settings.REAP_DRY_RUN = True
    store = Store(2)
    store.reap()
    clock(5)

    report = store.reap(is_all)

    assert (report.candidates, report.due, report.removed) == (2, 2, [])


@pytest.mark.parametrize("lose", ["row", "marker"])
def test_removal_stops_when_ownership_is_lost_midway(clock, lose):
    store = Store(5)
    store.reap(is_all=True)
    clock(1.5)
    remove = store.remove

    def remove_and_lose(key: str) -> int:
        if lose == "row":
            Installation.objects.update(name="another-installation")
        else:
            object_store().put(MARKER_KEY, Marker("another-installation", 1, "x").to_bytes())
        return remove(key)

    store.remove = remove_and_lose

    assert (store.reap(is_all=True).removed, len(store.orphans)) == (["object-0000"], 4)


def test_failed_removal_stays_a_candidate(clock):
    store = Store(1)
    store.reap()
    clock(1.5)
    store.remove = lambda key: 0

    assert store.reap().removed == []
    assert ReapCandidate.objects.filter(removed_at=None).count() == 1


def test_record_of_removals_is_kept_for_a_month(clock):
    store = Store(1)
    store.reap()
    clock(2)
    store.reap()
    clock(29)
    store.reap()
    during = ReapCandidate.objects.exclude(removed_at=None).count()
    clock(2)
    store.reap()

    assert (during, ReapCandidate.objects.count()) == (1, 0)


def test_object_that_is_back_waits_again(clock):
    store = Store(1)
    [key] = store.orphans
    store.reap()
    clock(2)
    store.reap()
    store.orphans.append(key)

    assert (store.reap().removed, store.orphans) == ([], [key])
