"""The one limiter: counts in the database, for each person, conversation, and organization."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import UsageCount
from accounts.services.rate_limits import (
    WINDOW_SECONDS,
    RateLimitExceededError,
    UsageKind,
    delete_ended_counts,
    spend,
)
from accounts.tasks import delete_expired_records
from tests.support.fixtures import add_person, run_concurrently

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_limits(settings):
    settings.SESSIONS_PER_HOUR, settings.ORGANIZATION_SESSIONS_PER_HOUR = 3, 5


def spend_at(by, minutes: float, kind=UsageKind.SESSIONS, **options) -> int:
    """Use once, `minutes` after noon. Return the seconds to wait, or 0 if it was allowed."""
    try:
        spend(kind, by, now=NOON + timedelta(minutes=minutes), **options)
    except RateLimitExceededError as error:
        return error.retry_after
    return 0


def test_person_may_use_as_often_as_the_limit_says(counselor):
    waits = [spend_at(counselor, minute) for minute in (1, 1, 2, 2)]

    assert waits == [0, 0, 0, 58 * 60]


def test_use_is_free_again_after_the_wait_and_never_later_than_a_window(counselor):
    for minute in (1, 14, 25):
        spend_at(counselor, minute)

    wait = spend_at(counselor, 30)
    just_before, after = spend_at(counselor, 30 + (wait - 1) / 60), spend_at(counselor, 30 + wait / 60)

    # The first use, at 12:01, is in the interval from 12:00 to 12:10, which leaves the window at 13:00.
    assert (wait, just_before > 0, after) == (30 * 60, True, 0)
    assert spend_at(counselor, 74) == 0


def test_refused_use_is_not_counted(counselor):
    for _ in range(3):
        spend_at(counselor, 1)

    refused = [spend_at(counselor, 2) > 0 for _ in range(9)]

    assert refused == [True] * 9
    assert list(UsageCount.objects.filter(subject=counselor.pk).values_list("used", flat=True)) == [3]
    assert list(UsageCount.objects.filter(subject=counselor.organization_id).values_list("used", flat=True)) == [3]


def test_organization_limits_all_of_its_people_and_no_other_organization(organization, counselor, colleague, stranger):
    waits = [spend_at(person, 1) for person in (counselor, counselor, counselor, colleague, colleague, colleague)]

    with pytest.raises(RateLimitExceededError, match="^Your center can start up to 5 sessions an hour"):
        spend(UsageKind.SESSIONS, colleague, now=NOON + timedelta(minutes=1))
    assert waits[:5] == [0] * 5
    assert waits[5] > 0
    assert spend_at(stranger, 1) == 0


def test_person_is_not_charged_for_a_use_that_the_organization_has_no_room_for(settings, counselor, colleague):
    settings.ORGANIZATION_SESSIONS_PER_HOUR = 1
    spend_at(counselor, 1)

    assert spend_at(colleague, 1) > 0
    assert list(UsageCount.objects.filter(subject=colleague.pk, used__gt=0)) == []


def test_kinds_are_counted_apart(settings, counselor):
    for kind in UsageKind:
        name = f"{kind.upper()}_PER_{ {86_400: 'DAY', 3600: 'HOUR', 60: 'MINUTE'}[WINDOW_SECONDS[kind]] }"
        setattr(settings, name, 1)

    first = {kind: spend_at(counselor, 1, kind, **_options(kind)) for kind in UsageKind}
    second = {kind: spend_at(counselor, 1, kind, **_options(kind)) for kind in UsageKind}

    assert set(first.values()) == {0}
    assert all(wait > 0 for wait in second.values())


def _options(kind):
    return {"conversation": uuid4()} if kind == UsageKind.GRADINGS else {}


def test_conversation_has_a_limit_of_its_own(settings, counselor):
    settings.GRADINGS_PER_HOUR_AND_CONVERSATION = 2
    one, other = uuid4(), uuid4()

    waits = [spend_at(counselor, 1, UsageKind.GRADINGS, conversation=pk) for pk in (one, one, one, other)]

    assert [wait > 0 for wait in waits] == [False, False, True, False]


def test_use_in_a_transaction_that_fails_is_free(counselor):
    class ActionFailedError(Exception):
        pass

    for _ in range(5):
        with pytest.raises(ActionFailedError), transaction.atomic():
            spend(UsageKind.SESSIONS, counselor, now=NOON)
            raise ActionFailedError

    assert spend_at(counselor, 0) == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_uses_never_exceed_the_limit(settings, organization):
    settings.SESSIONS_PER_HOUR, settings.ORGANIZATION_SESSIONS_PER_HOUR = 3, 5
    people = [add_person(organization, "counselor", f"p{number}@example.org") for number in range(2)]

    waits = run_concurrently(*[lambda person=person: spend_at(person, 1) for person in people for _ in range(4)])

    assert [wait == 0 for wait in waits].count(True) == 5
    assert sum(UsageCount.objects.exclude(subject=organization.pk).values_list("used", flat=True)) == 5
    assert UsageCount.objects.get(subject=organization.pk).used == 5


@pytest.mark.parametrize(
    ("kind", "minutes", "words"),
    [
        (UsageKind.SESSIONS, 20, "No session was started. Try again in 40 minutes."),
        (UsageKind.MESSAGES, 0.1, "Your message was not sent, and the chat is kept. Try again in 54 seconds."),
    ],
)
def test_words_say_what_was_kept_and_when_to_go_on(settings, counselor, kind, minutes, words):
    settings.SESSIONS_PER_HOUR = settings.MESSAGES_PER_MINUTE = 1
    spend_at(counselor, 0, kind)

    with pytest.raises(RateLimitExceededError) as caught:
        spend(kind, counselor, now=NOON + timedelta(minutes=minutes))

    assert str(caught.value).endswith(words)


def test_hourly_task_deletes_counts_that_no_window_reaches(counselor):
    spend(UsageKind.SESSIONS, counselor)
    spend(UsageKind.SESSIONS, counselor, now=timezone.now() - timedelta(hours=3))
    before = UsageCount.objects.count()

    delete_expired_records()

    # Of the person and of the organization.
    assert (before, UsageCount.objects.count(), delete_ended_counts()) == (4, 2, 0)


def test_several_uses_count_together_or_not_at_all(settings, counselor):
    settings.INVITATIONS_PER_DAY = 5
    spend(UsageKind.INVITATIONS, counselor, now=NOON, uses=3)

    wait = spend_at(counselor, 60, UsageKind.INVITATIONS, uses=3)
    spend(UsageKind.INVITATIONS, counselor, now=NOON + timedelta(hours=1), uses=2)

    assert wait == 23 * 3600
    assert sum(UsageCount.objects.filter(subject=counselor.pk).values_list("used", flat=True)) == 5
    with pytest.raises(RateLimitExceededError, match="^You can invite up to 5 people a day.* Try again in 22 hours.$"):
        spend(UsageKind.INVITATIONS, counselor, now=NOON + timedelta(hours=2))
