import pytest

from scenarios.models import Scenario
from tests.people import add_scenario, client_of
from training.models import Assignment, EndReason, Session
from training.services.sessions import assign, end_session

SCENARIOS, ASSIGNMENTS = "/admin/scenarios/scenario/", "/admin/training/assignment/"


def choose(scenarios: list[Scenario], **fields: object) -> dict[str, object]:
    selected = [str(scenario.pk) for scenario in scenarios]
    return {"action": "assign_to_counselors", "_selected_action": selected} | fields


def test_the_action_asks_who_and_until_when(supervisor, chat_scenario, counselor, colleague):
    response = client_of(supervisor).post(SCENARIOS, choose([chat_scenario]))

    body = response.content.decode()
    assert response.status_code == 200
    assert "Writing from the train" in body
    assert counselor.email in body and colleague.email in body
    assert supervisor.email not in response.context["form"].as_div()
    assert Assignment.objects.count() == 0


def test_the_action_assigns_every_pair_and_counts_what_was_open(
    supervisor, chat_scenario, phone_scenario, counselor, colleague
):
    assign(chat_scenario, counselor, supervisor)
    fields = {
        "assign": "Assign",
        "counselors": [str(counselor.pk), str(colleague.pk)],
        "due_date": "2026-12-24",
        "notes": "Take your time.",
        "require_recording": "on",
    }

    response = client_of(supervisor).post(SCENARIOS, choose([chat_scenario, phone_scenario], **fields), follow=True)

    assert "3 assigned, 1 were open already." in response.content.decode()
    given = Assignment.objects.exclude(notes="")
    assert {(row.scenario, row.counselor) for row in given} == {
        (chat_scenario, colleague),
        (phone_scenario, counselor),
        (phone_scenario, colleague),
    }
    assert {(str(row.due_date), row.require_recording, row.assigned_by) for row in given} == {
        ("2026-12-24", True, supervisor)
    }


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"counselors": []}, "counselors"),
        ({"due_date": "tomorrow"}, "due_date"),
        ({"notes": "x" * 1001}, "notes"),
    ],
)
def test_a_wrong_form_is_shown_again_and_assigns_nothing(supervisor, chat_scenario, counselor, fields, wrong):
    sent = {"assign": "Assign", "counselors": [str(counselor.pk)]} | fields

    response = client_of(supervisor).post(SCENARIOS, choose([chat_scenario], **sent))

    assert response.context["form"].errors.keys() == {wrong}
    assert Assignment.objects.count() == 0


def test_who_may_not_assign_is_not_offered_it(trainer, chat_scenario, counselor):
    client = client_of(trainer)

    assert "Assign to counselors" not in client.get(SCENARIOS).content.decode()
    client.post(SCENARIOS, choose([chat_scenario], assign="Assign", counselors=[str(counselor.pk)]))

    assert Assignment.objects.count() == 0


def test_a_retired_scenario_is_not_assigned(supervisor, organization, counselor):
    retired = add_scenario(organization, "Retired", is_active=False)

    response = client_of(supervisor).post(
        SCENARIOS, choose([retired], assign="Assign", counselors=[str(counselor.pk)]), follow=True
    )

    assert Assignment.objects.count() == 0
    assert "retired" in response.content.decode().lower()


def test_an_assignment_is_added_by_hand(supervisor, chat_scenario, counselor):
    client = client_of(supervisor)
    fields = {"counselor": counselor.pk, "scenario": chat_scenario.pk, "due_date": "2026-12-24"}

    client.post(f"{ASSIGNMENTS}add/", fields)
    again = client.post(f"{ASSIGNMENTS}add/", fields)

    assignment = Assignment.objects.get()
    assert (assignment.organization, assignment.assigned_by) == (supervisor.organization, supervisor)
    assert "This counselor already has this scenario open." in again.content.decode()


@pytest.mark.parametrize("field", ["status", "counselor", "scenario", "assigned_by", "completed_at"])
def test_an_assignment_is_not_completed_or_handed_on_by_hand(supervisor, colleague, chat_assignment, field):
    before = Assignment.objects.values(field).get()
    value = {"status": "completed", "counselor": str(colleague.pk), "completed_at": "2026-01-01"}.get(field, "")

    client_of(supervisor).post(f"{ASSIGNMENTS}{chat_assignment.pk}/change/", {"notes": "new", field: value})

    chat_assignment.refresh_from_db()
    assert chat_assignment.notes == "new"
    assert Assignment.objects.values(field).get() == before


def act(person, action: str, *assignments: Assignment) -> str:
    selected = [str(assignment.pk) for assignment in assignments]
    response = client_of(person).post(ASSIGNMENTS, {"action": action, "_selected_action": selected}, follow=True)
    return response.content.decode()


def test_resetting_takes_back_what_is_in_progress(supervisor, finished_chat, chat_assignment, phone_assignment):
    body = act(supervisor, "reset", chat_assignment, phone_assignment)

    chat_assignment.refresh_from_db()
    assert "1 reset." in body
    assert chat_assignment.status == Assignment.Status.PENDING
    assert Session.objects.filter(assignment=chat_assignment).exists()


def test_nothing_is_reset_or_cancelled_under_a_live_session(supervisor, chat, chat_assignment):
    assert "0 reset." in act(supervisor, "reset", chat_assignment)
    assert "0 cancelled." in act(supervisor, "cancel", chat_assignment)

    end_session(chat, EndReason.HUNG_UP)

    assert "1 cancelled." in act(supervisor, "cancel", chat_assignment)
