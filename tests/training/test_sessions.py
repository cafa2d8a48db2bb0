from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from scenarios.models import Mode, Scenario
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.support.fixtures import add_scenario, run_concurrently
from training.models import Assignment, EndReason, Session
from training.services import assignments, sessions
from training.services.assignments import assign
from training.services.errors import SessionRefusedError
from training.services.sessions import end_session, start_assignment, start_free_practice, start_trial

pytestmark = pytest.mark.both_databases


def refusal(call) -> str:
    with pytest.raises(SessionRefusedError) as caught:
        call()
    return caught.value.code


def age_session(session: Session, **seconds: float) -> None:
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(**{name: now - timedelta(seconds=s) for name, s in seconds.items()})


def test_start_begins_the_first_attempt_and_the_assignment(chat_assignment):
    session, is_new = start_assignment(chat_assignment)

    chat_assignment.refresh_from_db()
    assert (is_new, session.attempt, session.kind, session.mode) == (True, 1, "assignment", "chat")
    assert session.organization_id == chat_assignment.organization_id
    assert session.greeting_status == Session.Greeting.PENDING
    assert chat_assignment.status == Assignment.Status.IN_PROGRESS


def test_start_again_gives_the_live_session(chat, chat_assignment):
    again, is_new = start_assignment(chat_assignment)

    assert (again, is_new) == (chat, False)


def test_start_after_the_end_is_the_next_attempt_with_nothing_of_the_last(finished_chat, chat_assignment):
    session, is_new = start_assignment(chat_assignment)

    assert (is_new, session.attempt) == (True, 2)
    assert session.transcript() == []
    assert len(finished_chat.transcript()) == 4


@pytest.mark.parametrize("status", [Assignment.Status.COMPLETED, Assignment.Status.CANCELLED])
def test_a_closed_assignment_cannot_be_started(chat_assignment, status):
    Assignment.objects.update(status=status)
    chat_assignment.refresh_from_db()

    assert refusal(lambda: start_assignment(chat_assignment)) == "assignment_closed"
    assert Session.objects.count() == 0


def test_an_assignment_cancelled_while_its_page_was_open_cannot_be_started(chat_assignment):
    Assignment.objects.update(status=Assignment.Status.CANCELLED)

    assert refusal(lambda: start_assignment(chat_assignment)) == "assignment_closed"
    assert Session.objects.count() == 0


def test_a_second_call_is_refused_with_the_first_ones_id(call, organization, counselor):
    other = add_scenario(organization, "Another", Mode.PHONE)

    with pytest.raises(SessionRefusedError) as caught:
        start_free_practice(counselor, Mode.PHONE, other)

    assert (caught.value.code, caught.value.session_id) == ("call_live", call.pk)


def test_a_chat_beside_a_call_is_fine(call, counselor):
    session, is_new = start_free_practice(counselor, Mode.CHAT)

    assert is_new is True
    assert session.scenario_version is None


def test_free_practice_plays_a_scenario_in_its_own_mode_only(counselor, chat_scenario):
    assert refusal(lambda: start_free_practice(counselor, Mode.PHONE, chat_scenario)) == "wrong_mode"


@pytest.fixture
def draft(organization):
    """Return an inactive one-time scenario, which counselors are never offered."""
    return add_scenario(organization, "A draft", Mode.CHAT, is_one_time=True, is_active=False)


@pytest.mark.parametrize("mode", Mode.values)
def test_a_trial_plays_any_scenario_in_either_mode(supervisor, draft, mode):
    session, is_new = start_trial(supervisor, draft, mode)

    assert (is_new, session.kind, session.mode, session.counselor) == (True, "trial", mode, supervisor)
    assert (session.assignment, session.scenario, session.organization) == (None, draft, draft.organization)
    assert (session.scenario_version.title, session.scenario_version.mode) == ("A draft", "chat")


def test_a_live_trial_of_the_same_is_continued_and_another_is_not(supervisor, admin, draft, chat_scenario):
    first, _ = start_trial(supervisor, draft, Mode.CHAT)

    assert start_trial(supervisor, draft, Mode.CHAT) == (first, False)
    others = [
        start_trial(supervisor, draft, Mode.PHONE),
        start_trial(supervisor, chat_scenario, Mode.CHAT),
        start_trial(admin, draft, Mode.CHAT),
    ]
    assert [is_new for _, is_new in others] == [True, True, True]
    end_session(first, EndReason.HUNG_UP)
    assert start_trial(supervisor, draft, Mode.CHAT)[1] is True


def test_a_trial_of_a_changed_draft_plays_the_changed_text(supervisor, draft):
    first, _ = start_trial(supervisor, draft, Mode.CHAT)
    Scenario.objects.update(prompt="Someone else entirely.")
    end_session(first, EndReason.HUNG_UP)

    second, _ = start_trial(supervisor, draft, Mode.CHAT)

    assert second.scenario_version.prompt == "Someone else entirely."


def test_a_trial_beside_another_call_is_refused(supervisor, draft, phone_scenario):
    call, _ = start_trial(supervisor, phone_scenario, Mode.PHONE)

    with pytest.raises(SessionRefusedError) as caught:
        start_trial(supervisor, draft, Mode.PHONE)

    assert (caught.value.code, caught.value.session_id) == ("call_live", call.pk)


def test_a_trial_touches_no_assignment(supervisor, chat_assignment, chat_scenario):
    before = Assignment.objects.values().get()

    session, _ = start_trial(supervisor, chat_scenario, Mode.CHAT)
    end_session(session, EndReason.HUNG_UP)
    assignments.update_completion(session)

    assert Assignment.objects.values().get() == before
    assert session.evaluations.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_trials_at_once_are_one_session(supervisor, draft):
    results = run_concurrently(*[lambda: start_trial(supervisor, Scenario.objects.get(), Mode.CHAT)] * 3)

    session = Session.objects.get()
    assert sorted(results, key=lambda pair: pair[1]) == [(session, False), (session, False), (session, True)]


@pytest.mark.parametrize(
    ("played", "opens", "caller_opens"),
    [
        ("phone", "", False),
        ("chat", "", True),
        ("phone", "caller", True),
        ("chat", "caller", True),
        ("phone", "counselor", False),
        ("chat", "counselor", False),
    ],
)
@pytest.mark.parametrize("written_for", Mode.values)
def test_who_opens_follows_the_played_mode_where_the_scenario_does_not_say(
    supervisor, organization, written_for, played, opens, caller_opens
):
    scenario = add_scenario(organization, "One", written_for, opens=opens)

    session, _ = start_trial(supervisor, scenario, played)

    assert session.caller_opens is caller_opens


def test_practised_leaves_trials_out(supervisor, call, free_chat, draft):
    start_trial(supervisor, draft, Mode.CHAT)

    assert set(Session.objects.without_trials()) == {call, free_chat}


@pytest.mark.parametrize(
    ("role", "may"),
    [("counselor", False), ("evaluator", False), ("supervisor", True), ("trainer", True), ("admin", True)],
)
def test_whoever_may_change_scenarios_may_try_them(request, role, may):
    assert sessions.can_start_trial(request.getfixturevalue(role)) is may


def test_a_running_session_keeps_its_version_and_the_next_uses_the_edited(chat, chat_assignment, chat_scenario):
    chat_scenario.prompt = "Someone else entirely."
    chat_scenario.save()
    write_evaluator_context(chat_scenario, "- Another point.")

    end_session(chat, EndReason.HUNG_UP)
    second, _ = start_assignment(Assignment.objects.get())

    chat.refresh_from_db()
    assert (chat.scenario_version.number, second.scenario_version.number) == (1, 2)
    assert "on a train" in chat.scenario_version.prompt
    assert "going home" in chat.scenario_version.evaluator_context
    assert second.scenario_version.prompt == "Someone else entirely."
    assert second.scenario_version.evaluator_context == "- Another point."


def test_an_unchanged_scenario_makes_no_new_version(finished_chat, chat_assignment, chat_scenario):
    Scenario.objects.update(category=None, is_active=False, estimated_minutes=30)

    second, _ = start_assignment(chat_assignment)

    assert second.scenario_version == finished_chat.scenario_version


def test_the_database_refuses_a_second_live_session_and_a_second_call(call, counselor, phone_assignment):
    same = {"organization": counselor.organization, "counselor": counselor, "mode": Mode.PHONE}

    with pytest.raises(IntegrityError, match="one_live|counselor|assignment"), transaction.atomic():
        Session.objects.create(kind="free_practice", **same)
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.create(kind="assignment", assignment=phone_assignment, attempt=2, **same)
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.create(kind="assignment", **same | {"mode": Mode.CHAT})
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.filter(pk=call.pk).update(status="completed")


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_are_one_session(chat_assignment):
    fresh = Assignment.objects.select_related("scenario", "counselor").get

    results = run_concurrently(*[lambda: start_assignment(fresh())] * 3)

    session = Session.objects.get()
    assert sorted(results, key=lambda pair: pair[1]) == [(session, False), (session, False), (session, True)]


@pytest.mark.django_db(transaction=True)
def test_of_two_calls_at_once_one_is_refused(phone_assignment, counselor):
    results = run_concurrently(
        lambda: start_assignment(Assignment.objects.select_related("scenario", "counselor").get()),
        lambda: start_free_practice(counselor, Mode.PHONE),
    )

    session = Session.objects.get()
    refused = [result for result in results if isinstance(result, SessionRefusedError)]
    assert [(refused.code, refused.session_id) for refused in refused] == [("call_live", session.pk)]


@pytest.mark.django_db(transaction=True)
def test_two_counselors_at_once_share_one_new_version(chat_scenario, counselor, colleague):
    results = run_concurrently(
        *[
            lambda person=person: start_free_practice(person, Mode.CHAT, Scenario.objects.get())
            for person in (counselor, colleague)
        ]
    )

    assert [is_new for _, is_new in results] == [True, True]
    assert chat_scenario.versions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hang_up_a_sweep_and_a_request_for_feedback_end_a_session_once(chat):
    results = run_concurrently(
        *[
            lambda reason=reason: end_session(Session.objects.get(), reason)
            for reason in (EndReason.HUNG_UP, EndReason.LINE_LOST, EndReason.FEEDBACK)
        ]
    )

    chat.refresh_from_db()
    assert sorted(results) == [False, False, True]
    assert chat.revision == 1
    assert chat.evaluations.count() == 1


def test_end_session_queues_feedback_and_leaves_the_assignment_open(chat, chat_assignment):
    ended = end_session(chat, EndReason.HUNG_UP)

    chat_assignment.refresh_from_db()
    assert (ended, chat.status, chat.end_reason) == (True, "completed", "hung_up")
    assert chat.ended_at is not None
    assert [evaluation.status for evaluation in chat.evaluations.all()] == ["queued"]
    assert chat_assignment.status == Assignment.Status.IN_PROGRESS


def test_assign_gives_a_scenario_once_while_it_is_open(chat_assignment, chat_scenario, counselor, supervisor):
    assert assign(chat_scenario, counselor, supervisor) is None

    Assignment.objects.update(status=Assignment.Status.COMPLETED)

    again = assign(chat_scenario, counselor, supervisor)
    assert again is not None and again.status == Assignment.Status.PENDING


def test_assign_never_crosses_organizations(chat_scenario, counselor, stranger):
    with pytest.raises(ValueError, match="must belong to the organization"):
        assign(chat_scenario, counselor, stranger)


@pytest.mark.django_db(transaction=True)
def test_two_supervisors_assigning_at_once_make_one_assignment(chat_scenario, counselor, supervisor, admin):
    results = run_concurrently(
        *[lambda by=by: assign(Scenario.objects.get(), counselor, by) for by in (supervisor, admin)]
    )

    assert [result is None for result in results].count(True) == 1
    assert Assignment.objects.count() == 1


def test_reset_takes_back_what_is_in_progress_and_not_live(chat, chat_assignment):
    assert assignments.reset_assignment(chat_assignment) is False

    end_session(chat, EndReason.HUNG_UP)

    assert assignments.reset_assignment(chat_assignment) is True
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == Assignment.Status.PENDING
    assert assignments.reset_assignment(chat_assignment) is False


def test_cancel_closes_what_is_open_and_not_live(chat, chat_assignment):
    assert assignments.cancel_assignment(chat_assignment) is False

    end_session(chat, EndReason.HUNG_UP)

    assert assignments.cancel_assignment(chat_assignment) is True
    assert assignments.cancel_assignment(chat_assignment) is False


def test_is_overdue_is_an_open_assignment_after_its_day(chat_assignment):
    today = timezone.localdate()

    def is_overdue(due_date, status=Assignment.Status.PENDING):
        chat_assignment.due_date, chat_assignment.status = due_date, status
        return chat_assignment.is_overdue

    assert is_overdue(None) is False
    assert is_overdue(today) is False
    assert is_overdue(today - timedelta(days=1)) is True
    assert is_overdue(today - timedelta(days=1), Assignment.Status.COMPLETED) is False


def test_the_sweep_ends_calls_without_heartbeat_and_chats_long_idle(call, chat, free_chat, settings):
    age_session(call, heartbeat_at=settings.HEARTBEAT_LOST_AFTER + 1)
    age_session(chat, heartbeat_at=settings.CHAT_IDLE_AFTER + 1)
    age_session(free_chat, heartbeat_at=settings.HEARTBEAT_LOST_AFTER + 1)

    assert sessions.sweep_sessions() == 2
    assert sessions.sweep_sessions() == 0

    for session in (call, chat, free_chat):
        session.refresh_from_db()
    assert (call.status, call.end_reason) == ("abandoned", "line_lost")
    assert (chat.status, chat.end_reason) == ("abandoned", "idle")
    assert free_chat.status == "active"
    assert call.evaluations.count() == chat.evaluations.count() == 1


def test_the_sweep_lets_go_of_the_call_for_the_next_one(call, counselor, settings):
    age_session(call, heartbeat_at=settings.HEARTBEAT_LOST_AFTER + 1)

    sessions.sweep_sessions()

    assert start_free_practice(counselor, Mode.PHONE)[1] is True
