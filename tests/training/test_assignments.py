from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from scenarios.models import Scenario
from tests.support.fixtures import add_person, add_scenario, run_concurrently
from training.models import Assignment, EndReason, Session
from training.services import assignments
from training.services.assignments import assign, assign_many, record_score
from training.services.session_start import start_assignment
from training.services.sessions import end_session, stop_session

pytestmark = pytest.mark.both_databases


def finish_attempt(assignment: Assignment, score: int | None) -> Session:
    """Start and end one attempt, and grade it with `score` unless that is None. Return its session."""
    assignment.refresh_from_db()
    session, is_new = start_assignment(assignment)
    assert is_new
    end_session(session, EndReason.HUNG_UP)
    if score is None:
        assignments.update_completion(session)
    else:
        record_score(session, score)
    assignment.refresh_from_db()
    return session


@pytest.fixture
def two_attempt_assignment(chat_assignment) -> Assignment:
    """Return a chat assignment with a pass mark of 70 and two attempts."""
    chat_assignment.pass_mark, chat_assignment.attempts_allowed = 70, 2
    chat_assignment.save()
    return chat_assignment


def test_assignment_without_pass_mark_is_completed_by_any_feedback(chat_assignment):
    finish_attempt(chat_assignment, 12)

    assert (chat_assignment.status, chat_assignment.score, chat_assignment.is_passed) == ("completed", 12, True)
    assert chat_assignment.completed_at is not None


def test_ungraded_session_does_not_complete_the_assignment(chat_assignment):
    finish_attempt(chat_assignment, None)

    assert (chat_assignment.status, chat_assignment.score, chat_assignment.is_passed) == ("in_progress", None, None)


def test_score_below_the_pass_mark_leaves_the_assignment_open(two_attempt_assignment):
    finish_attempt(two_attempt_assignment, 69)

    assert (two_attempt_assignment.status, two_attempt_assignment.score, two_attempt_assignment.is_passed) == (
        "in_progress",
        69,
        False,
    )

    finish_attempt(two_attempt_assignment, 70)

    assert (two_attempt_assignment.status, two_attempt_assignment.score, two_attempt_assignment.is_passed) == (
        "completed",
        70,
        True,
    )


def test_last_attempt_below_the_pass_mark_completes_the_assignment_as_failed(two_attempt_assignment):
    finish_attempt(two_attempt_assignment, 40)
    finish_attempt(two_attempt_assignment, 30)

    assert (two_attempt_assignment.status, two_attempt_assignment.score, two_attempt_assignment.is_failed) == (
        "completed",
        40,
        True,
    )
    assert list(Assignment.objects.failed()) == [two_attempt_assignment]


def test_stopped_or_ungraded_session_does_not_use_up_an_attempt(two_attempt_assignment):
    finish_attempt(two_attempt_assignment, None)
    session, _ = start_assignment(two_attempt_assignment)
    stop_session(session)
    assignments.update_completion(session)
    finish_attempt(two_attempt_assignment, 40)

    assert two_attempt_assignment.status == "in_progress"


def test_stopped_session_frees_its_number_for_the_next_attempt(two_attempt_assignment):
    stopped, _ = start_assignment(two_attempt_assignment)
    stop_session(stopped)
    first = finish_attempt(two_attempt_assignment, 40)
    again, _ = start_assignment(two_attempt_assignment)
    stop_session(again)
    second = finish_attempt(two_attempt_assignment, 50)

    assert [row.attempt for row in (stopped, first, again, second)] == [None, 1, None, 2]
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("completed", 50)


def test_best_attempt_completes_the_assignment_when_no_other_is_live(two_attempt_assignment):
    first, _ = start_assignment(two_attempt_assignment)
    end_session(first, EndReason.HUNG_UP)
    second, _ = start_assignment(two_attempt_assignment)

    record_score(first, 90)
    two_attempt_assignment.refresh_from_db()
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("in_progress", 90)

    end_session(second, EndReason.HUNG_UP)
    assignments.update_completion(second)
    two_attempt_assignment.refresh_from_db()
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("completed", 90)


def test_attempts_before_a_reset_do_not_count(two_attempt_assignment):
    first_session = finish_attempt(two_attempt_assignment, 60)
    assert assignments.reset_assignment(two_attempt_assignment) is True
    two_attempt_assignment.refresh_from_db()
    assert (two_attempt_assignment.status, two_attempt_assignment.score, two_attempt_assignment.reset_after) == (
        "pending",
        None,
        1,
    )

    record_score(first_session, 95)
    two_attempt_assignment.refresh_from_db()
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("pending", None)

    finish_attempt(two_attempt_assignment, 10)
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("in_progress", 10)
    finish_attempt(two_attempt_assignment, 20)
    assert (two_attempt_assignment.status, two_attempt_assignment.score) == ("completed", 20)


def test_completed_assignment_can_be_assigned_again(chat_assignment, supervisor):
    finish_attempt(chat_assignment, 80)

    again = assign(chat_assignment.scenario, chat_assignment.counselor, supervisor)

    assert again is not None and again.status == "pending"


def test_decline_cancels_without_a_reason(chat_assignment):
    assert assignments.decline_assignment(chat_assignment) is True
    chat_assignment.refresh_from_db()

    assert (chat_assignment.status, chat_assignment.is_declined) == ("cancelled", True)
    assert assignments.decline_assignment(chat_assignment) is False


def test_decline_is_refused_during_a_live_session(chat, chat_assignment):
    assert assignments.decline_assignment(chat_assignment) is False


def test_assign_many_puts_each_pair_in_one_list(
    organization, supervisor, counselor, colleague, chat_scenario, phone_scenario
):
    assign(chat_scenario, counselor, supervisor)
    completed = assign(phone_scenario, colleague, supervisor)
    Assignment.objects.filter(pk=completed.pk).update(status="completed")
    both = [counselor, colleague]

    result = assign_many([chat_scenario, phone_scenario], both, supervisor, notes="Take your time.", pass_mark=70)

    created = {(row.counselor, row.scenario, row.notes, row.pass_mark) for row in result.assignments}
    assert created == {
        (colleague, chat_scenario, "Take your time.", 70),
        (counselor, phone_scenario, "Take your time.", 70),
    }
    assert result.open == [(counselor, chat_scenario)]
    assert result.completed == [(colleague, phone_scenario)]


def test_assign_many_with_force_assigns_completed_pairs_again(supervisor, counselor, chat_assignment):
    finish_attempt(chat_assignment, 80)

    unforced = assign_many([chat_assignment.scenario], [counselor], supervisor)
    forced = assign_many([chat_assignment.scenario], [counselor], supervisor, force=True)

    assert (len(unforced.assignments), len(unforced.completed)) == (0, 1)
    assert (len(forced.assignments), len(forced.completed)) == (1, 0)


def test_assign_many_reports_a_pair_that_is_open_and_completed_as_open(supervisor, counselor, chat_assignment):
    finish_attempt(chat_assignment, 80)
    assign(chat_assignment.scenario, counselor, supervisor)

    result = assign_many([chat_assignment.scenario], [counselor], supervisor, force=True)

    assert (result.assignments, result.completed, len(result.open)) == ([], [], 1)


def test_assign_many_needs_the_same_queries_for_any_number_of_pairs(organization, supervisor):
    people = [add_person(organization, User.Role.COUNSELOR, f"c{n}@example.org") for n in range(4)]
    rows = [add_scenario(organization, f"Number {n}") for n in range(5)]

    def count_queries(scenarios: list[Scenario], counselors: list[User]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assign_many(scenarios, counselors, supervisor)
        return len(captured)

    assert count_queries(rows[:1], people[:1]) == count_queries(rows[1:], people)


def test_assign_many_refuses_more_than_the_limit(organization, supervisor, counselor, colleague):
    rows = Scenario.objects.bulk_create(
        Scenario(organization=organization, title=f"Number {n}", prompt="You are Dana.") for n in range(251)
    )

    with pytest.raises(ValidationError, match="up to 500"):
        assign_many(rows, [counselor, colleague], supervisor)

    assert Assignment.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_assign_many_concurrently_creates_each_pair_once(organization, supervisor):
    for n in range(6):
        add_person(organization, User.Role.COUNSELOR, f"c{n}@example.org")
        add_scenario(organization, f"Number {n}")

    def assign_all() -> int:
        people = User.objects.filter(role="counselor")
        return len(assign_many(Scenario.objects.all(), people, User.objects.get(pk=supervisor.pk)).assignments)

    counts = run_concurrently(*[assign_all] * 20)

    assert sum(counts) == Assignment.objects.count() == 36
    assert len(set(Assignment.objects.values_list("counselor", "scenario"))) == 36


def test_overdue_and_due_by_select_open_assignments_by_date(chat_assignment, phone_assignment):
    today = timezone.localdate()
    Assignment.objects.filter(pk=chat_assignment.pk).update(due_date=today - timedelta(days=1))
    Assignment.objects.filter(pk=phone_assignment.pk).update(due_date=today)

    assert list(Assignment.objects.overdue()) == [chat_assignment]
    assert list(Assignment.objects.due_by(today + timedelta(days=2))) == [phone_assignment]


def test_stopped_session_completes_an_assignment_that_an_earlier_attempt_passed(two_attempt_assignment):
    first, _ = start_assignment(two_attempt_assignment)
    end_session(first, EndReason.HUNG_UP)
    second, _ = start_assignment(two_attempt_assignment)
    record_score(first, 90)
    two_attempt_assignment.refresh_from_db()
    was = two_attempt_assignment.status

    stop_session(second)

    two_attempt_assignment.refresh_from_db()
    assert (was, two_attempt_assignment.status, two_attempt_assignment.score) == ("in_progress", "completed", 90)


def test_stopping_twice_or_after_the_end_changes_nothing(two_attempt_assignment):
    stopped, _ = start_assignment(two_attempt_assignment)
    ended = finish_attempt_after(stopped, two_attempt_assignment)

    assert (stop_session(stopped), stop_session(ended)) == (False, False)

    ended.refresh_from_db()
    assert (ended.end_reason, ended.attempt, ended.is_gradable) == ("hung_up", 1, True)


def finish_attempt_after(stopped: Session, assignment: Assignment) -> Session:
    assert stop_session(stopped)
    return finish_attempt(assignment, None)
