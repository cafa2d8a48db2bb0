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
from training.services.session_start import can_start_trial, start_assignment, start_free_practice, start_trial
from training.services.sessions import end_session

pytestmark = pytest.mark.both_databases


def refusal(call) -> str:
    with pytest.raises(SessionRefusedError) as caught:
        call()
    return caught.value.code


def age_session(session: Session, **seconds: float) -> None:
    now = timezone.now()
    Session.objects.filter(pk=session.pk).update(**{name: now - timedelta(seconds=s) for name, s in seconds.items()})


def test_start_assignment_starts_the_first_attempt(chat_assignment):
    session, is_new = start_assignment(chat_assignment)

    chat_assignment.refresh_from_db()
    assert (is_new, session.attempt, session.kind, session.mode) == (True, 1, "assignment", "chat")
    assert session.organization_id == chat_assignment.organization_id
    assert session.greeting_status == Session.Greeting.PENDING
    assert chat_assignment.status == Assignment.Status.IN_PROGRESS


def test_start_assignment_again_returns_the_live_session(chat, chat_assignment):
    again, is_new = start_assignment(chat_assignment)

    assert (again, is_new) == (chat, False)


def test_start_assignment_after_the_end_starts_a_fresh_attempt(finished_chat, chat_assignment):
    session, is_new = start_assignment(chat_assignment)

    assert (is_new, session.attempt) == (True, 2)
    assert session.transcript() == []
    assert len(finished_chat.transcript()) == 4


@pytest.mark.parametrize("status", [Assignment.Status.COMPLETED, Assignment.Status.CANCELLED])
def test_start_assignment_refuses_a_closed_assignment(chat_assignment, status):
    Assignment.objects.update(status=status)
    chat_assignment.refresh_from_db()

    assert refusal(lambda: start_assignment(chat_assignment)) == "assignment_closed"
    assert Session.objects.count() == 0


def test_start_assignment_refuses_an_assignment_canceled_meanwhile(chat_assignment):
    Assignment.objects.update(status=Assignment.Status.CANCELLED)

    assert refusal(lambda: start_assignment(chat_assignment)) == "assignment_closed"
    assert Session.objects.count() == 0


def test_start_refuses_a_second_call_and_returns_the_id_of_the_first(call, organization, counselor):
    other = add_scenario(organization, "Another", Mode.PHONE)

    with pytest.raises(SessionRefusedError) as caught:
        start_free_practice(counselor, Mode.PHONE, other)

    assert (caught.value.code, caught.value.session_id) == ("call_live", call.pk)


def test_start_allows_a_chat_during_a_call(call, counselor):
    session, is_new = start_free_practice(counselor, Mode.CHAT)

    assert is_new is True
    assert session.scenario_version is None


def test_start_free_practice_refuses_another_mode(counselor, chat_scenario):
    assert refusal(lambda: start_free_practice(counselor, Mode.PHONE, chat_scenario)) == "wrong_mode"


@pytest.fixture
def draft(organization):
    """Return an inactive one-time scenario, which counselors are never offered."""
    return add_scenario(organization, "A draft", Mode.CHAT, is_one_time=True, is_active=False)


@pytest.mark.parametrize("mode", Mode.values)
def test_start_trial_accepts_any_scenario_in_either_mode(supervisor, draft, mode):
    session, is_new = start_trial(supervisor, draft, mode)

    assert (is_new, session.kind, session.mode, session.counselor) == (True, "trial", mode, supervisor)
    assert (session.assignment, session.scenario, session.organization) == (None, draft, draft.organization)
    assert (session.scenario_version.title, session.scenario_version.mode) == ("A draft", "chat")


def test_start_trial_continues_only_the_same_trial(supervisor, admin, draft, chat_scenario):
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


def test_start_trial_uses_the_changed_text(supervisor, draft):
    first, _ = start_trial(supervisor, draft, Mode.CHAT)
    Scenario.objects.update(prompt="Someone else entirely.")
    end_session(first, EndReason.HUNG_UP)

    second, _ = start_trial(supervisor, draft, Mode.CHAT)

    assert second.scenario_version.prompt == "Someone else entirely."


def test_start_trial_is_refused_during_another_call(supervisor, draft, phone_scenario):
    call, _ = start_trial(supervisor, phone_scenario, Mode.PHONE)

    with pytest.raises(SessionRefusedError) as caught:
        start_trial(supervisor, draft, Mode.PHONE)

    assert (caught.value.code, caught.value.session_id) == ("call_live", call.pk)


def test_trial_does_not_affect_assignments(supervisor, chat_assignment, chat_scenario):
    before = Assignment.objects.values().get()

    session, _ = start_trial(supervisor, chat_scenario, Mode.CHAT)
    end_session(session, EndReason.HUNG_UP)
    assignments.update_completion(session)

    assert Assignment.objects.values().get() == before
    assert session.evaluations.count() == 1


@pytest.mark.django_db(transaction=True)
def test_start_trial_concurrently_creates_one_session(supervisor, draft):
    results = run_concurrently(*[lambda: start_trial(supervisor, Scenario.objects.get(), Mode.CHAT)] * 3)

    session = Session.objects.get()
    assert sorted(results, key=lambda pair: pair[1]) == [(session, False), (session, False), (session, True)]


@pytest.mark.parametrize(
    ("mode", "opens", "caller_opens"),
    [
        ("phone", "", False),
        ("chat", "", True),
        ("phone", "caller", True),
        ("chat", "caller", True),
        ("phone", "counselor", False),
        ("chat", "counselor", False),
    ],
)
@pytest.mark.parametrize("scenario_mode", Mode.values)
def test_caller_opens_depends_on_the_mode_by_default(
    supervisor, organization, scenario_mode, mode, opens, caller_opens
):
    scenario = add_scenario(organization, "One", scenario_mode, opens=opens)

    session, _ = start_trial(supervisor, scenario, mode)

    assert session.caller_opens is caller_opens


def test_without_trials_excludes_trials(supervisor, call, free_chat, draft):
    start_trial(supervisor, draft, Mode.CHAT)

    assert set(Session.objects.without_trials()) == {call, free_chat}


@pytest.mark.parametrize(
    ("role", "is_allowed"),
    [("counselor", False), ("evaluator", False), ("supervisor", True), ("trainer", True), ("admin", True)],
)
def test_can_start_trial_requires_permission_to_change_scenarios(request, role, is_allowed):
    assert can_start_trial(request.getfixturevalue(role)) is is_allowed


def test_live_session_keeps_its_version_after_an_edit(chat, chat_assignment, chat_scenario):
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


def test_start_reuses_the_version_of_an_unchanged_scenario(finished_chat, chat_assignment, chat_scenario):
    Scenario.objects.update(category=None, is_active=False, estimated_minutes=30)

    second, _ = start_assignment(chat_assignment)

    assert second.scenario_version == finished_chat.scenario_version


def test_constraints_refuse_a_second_live_session_and_call(call, counselor, phone_assignment):
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
def test_start_assignment_concurrently_creates_one_session(chat_assignment):
    load_assignment = Assignment.objects.select_related("scenario", "counselor").get

    results = run_concurrently(*[lambda: start_assignment(load_assignment())] * 3)

    session = Session.objects.get()
    assert sorted(results, key=lambda pair: pair[1]) == [(session, False), (session, False), (session, True)]


@pytest.mark.django_db(transaction=True)
def test_start_two_calls_concurrently_refuses_one(phone_assignment, counselor):
    results = run_concurrently(
        lambda: start_assignment(Assignment.objects.select_related("scenario", "counselor").get()),
        lambda: start_free_practice(counselor, Mode.PHONE),
    )

    session = Session.objects.get()
    errors = [result for result in results if isinstance(result, SessionRefusedError)]
    assert [(error.code, error.session_id) for error in errors] == [("call_live", session.pk)]


@pytest.mark.django_db(transaction=True)
def test_start_concurrently_creates_one_scenario_version(chat_scenario, counselor, colleague):
    results = run_concurrently(
        *[
            lambda person=person: start_free_practice(person, Mode.CHAT, Scenario.objects.get())
            for person in (counselor, colleague)
        ]
    )

    assert [is_new for _, is_new in results] == [True, True]
    assert chat_scenario.versions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_end_session_concurrently_ends_it_once(chat):
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


def test_assign_returns_none_while_the_assignment_is_open(chat_assignment, chat_scenario, counselor, supervisor):
    assert assign(chat_scenario, counselor, supervisor) is None

    Assignment.objects.update(status=Assignment.Status.COMPLETED)

    again = assign(chat_scenario, counselor, supervisor)
    assert again is not None and again.status == Assignment.Status.PENDING


def test_assign_refuses_another_organization(chat_scenario, counselor, stranger):
    with pytest.raises(ValueError, match="must belong to the organization"):
        assign(chat_scenario, counselor, stranger)


@pytest.mark.django_db(transaction=True)
def test_assign_concurrently_creates_one_assignment(chat_scenario, counselor, supervisor, admin):
    results = run_concurrently(
        *[lambda by=by: assign(Scenario.objects.get(), counselor, by) for by in (supervisor, admin)]
    )

    assert [result is None for result in results].count(True) == 1
    assert Assignment.objects.count() == 1


def test_reset_assignment_needs_progress_and_no_live_session(chat, chat_assignment):
    assert assignments.reset_assignment(chat_assignment) is False

    end_session(chat, EndReason.HUNG_UP)

    assert assignments.reset_assignment(chat_assignment) is True
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == Assignment.Status.PENDING
    assert assignments.reset_assignment(chat_assignment) is False


def test_cancel_assignment_needs_an_open_assignment_without_live_session(chat, chat_assignment):
    assert assignments.cancel_assignment(chat_assignment) is False

    end_session(chat, EndReason.HUNG_UP)

    assert assignments.cancel_assignment(chat_assignment) is True
    assert assignments.cancel_assignment(chat_assignment) is False


def test_is_overdue_is_true_for_open_assignments_past_their_due_date(chat_assignment):
    today = timezone.localdate()

    def is_overdue(due_date, status=Assignment.Status.PENDING):
        chat_assignment.due_date, chat_assignment.status = due_date, status
        return chat_assignment.is_overdue

    assert is_overdue(None) is False
    assert is_overdue(today) is False
    assert is_overdue(today - timedelta(days=1)) is True
    assert is_overdue(today - timedelta(days=1), Assignment.Status.COMPLETED) is False


def test_sweep_sessions_ends_calls_without_heartbeat_and_idle_chats(call, chat, free_chat, settings):
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


def test_sweep_sessions_frees_the_counselor_for_another_call(call, counselor, settings):
    age_session(call, heartbeat_at=settings.HEARTBEAT_LOST_AFTER + 1)

    sessions.sweep_sessions()

    assert start_free_practice(counselor, Mode.PHONE)[1] is True
