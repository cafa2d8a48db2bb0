import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from scenarios.models import Scenario, Skill
from tests.scenarios.admin.test_evaluator_contexts import context_files, upload, use_own_folder
from tests.scenarios.admin.test_scenarios import FIELDS
from tests.scenarios.services.test_evaluator_contexts import use_storage
from tests.support.fixtures import add_scenario, client_of
from training.models import Assignment, EndReason, Session
from training.services.assignments import assign
from training.services.sessions import end_session

SCENARIOS, ASSIGNMENTS = "/admin/scenarios/scenario/", "/admin/training/assignment/"
ONE_TIME = "/admin/scenarios/scenario/one-time/"
# Two days from today, so that they stay in the future and in the past if midnight passes during a test.
FUTURE_DATE = timezone.localdate() + timedelta(days=2)
PAST_DATE = timezone.localdate() - timedelta(days=2)


def action_data(scenarios: list[Scenario], **fields: object) -> dict[str, object]:
    selected = [str(scenario.pk) for scenario in scenarios]
    return {"action": "assign_to_counselors", "_selected_action": selected} | fields


def test_assign_action_shows_counselors_and_terms(supervisor, chat_scenario, counselor, colleague):
    response = client_of(supervisor).post(SCENARIOS, action_data([chat_scenario]))

    body = response.content.decode()
    assert response.status_code == 200
    assert "Writing from the train" in body
    assert counselor.email in body and colleague.email in body
    assert supervisor.email not in response.context["form"].as_div()
    assert Assignment.objects.count() == 0


def test_assign_action_creates_every_pair_and_reports_open_ones(
    supervisor, chat_scenario, phone_scenario, counselor, colleague
):
    assign(chat_scenario, counselor, supervisor)
    fields = {
        "assign": "Assign",
        "counselors": [str(counselor.pk), str(colleague.pk)],
        "due_date": str(FUTURE_DATE),
        "notes": "Take your time.",
        "require_recording": "on",
    }

    response = client_of(supervisor).post(
        SCENARIOS, action_data([chat_scenario, phone_scenario], **fields), follow=True
    )

    assert "3 assignments were created. 1 was already open." in response.content.decode()
    created = Assignment.objects.exclude(notes="")
    assert {(row.scenario, row.counselor) for row in created} == {
        (chat_scenario, colleague),
        (phone_scenario, counselor),
        (phone_scenario, colleague),
    }
    assert {(str(row.due_date), row.require_recording, row.assigned_by) for row in created} == {
        (str(FUTURE_DATE), True, supervisor)
    }


@pytest.mark.parametrize(
    ("fields", "invalid_field"),
    [
        ({"counselors": []}, "counselors"),
        ({"due_date": "tomorrow"}, "due_date"),
        ({"due_date": str(PAST_DATE)}, "due_date"),
        ({"notes": "x" * 1001}, "notes"),
    ],
)
def test_assign_action_with_invalid_form_shows_errors_and_assigns_nothing(
    supervisor, chat_scenario, counselor, fields, invalid_field
):
    data = {"assign": "Assign", "counselors": [str(counselor.pk)]} | fields

    response = client_of(supervisor).post(SCENARIOS, action_data([chat_scenario], **data))

    assert response.context["form"].errors.keys() == {invalid_field}
    assert Assignment.objects.count() == 0


def test_assign_action_is_hidden_and_refused_without_permission(trainer, chat_scenario, counselor):
    client = client_of(trainer)

    assert "Assign to counselors" not in client.get(SCENARIOS).content.decode()
    client.post(SCENARIOS, action_data([chat_scenario], assign="Assign", counselors=[str(counselor.pk)]))

    assert Assignment.objects.count() == 0


def test_assign_action_skips_inactive_scenarios(supervisor, organization, counselor):
    inactive = add_scenario(organization, "Night train", is_active=False)

    response = client_of(supervisor).post(
        SCENARIOS, action_data([inactive], assign="Assign", counselors=[str(counselor.pk)]), follow=True
    )

    assert Assignment.objects.count() == 0
    assert "0 assignments were created. 1 inactive scenario was skipped." in response.content.decode()


def test_assign_action_reports_a_past_due_date(supervisor, chat_scenario, counselor):
    data = {"assign": "Assign", "counselors": [str(counselor.pk)], "due_date": str(PAST_DATE)}

    response = client_of(supervisor).post(SCENARIOS, action_data([chat_scenario], **data))

    (error,) = response.context["form"].errors["due_date"]
    assert error.endswith("is in the past. Choose today or a later date.")


def test_assign_action_refuses_more_than_the_limit(supervisor, organization, counselor, colleague):
    rows = [Scenario(organization=organization, title=f"Number {n}", prompt="You are Dana.") for n in range(501)]
    many = Scenario.objects.bulk_create(rows)
    fields = {"assign": "Assign", "counselors": [str(counselor.pk), str(colleague.pk)]}
    client = client_of(supervisor)

    too_many_chosen = client.post(SCENARIOS, action_data(many), follow=True)
    too_many_pairs = client.post(SCENARIOS, action_data(many[:251], **fields))

    assert "You chose 501 scenarios; the limit is 500." in too_many_chosen.content.decode()
    assert too_many_pairs.context["form"].errors == {
        "counselors": ["You can create up to 500 assignments at once. Your choices would create 502."]
    }
    assert Assignment.objects.count() == 0


def test_assignment_admin_adds_an_assignment_once(supervisor, chat_scenario, counselor):
    client = client_of(supervisor)
    fields = {"counselor": counselor.pk, "scenario": chat_scenario.pk, "due_date": FUTURE_DATE}

    client.post(f"{ASSIGNMENTS}add/", fields)
    again = client.post(f"{ASSIGNMENTS}add/", fields)

    assignment = Assignment.objects.get()
    assert (assignment.organization, assignment.assigned_by) == (supervisor.organization, supervisor)
    assert "This counselor already has an open assignment for this scenario." in again.content.decode()


@pytest.mark.parametrize("field", ["status", "counselor", "scenario", "assigned_by", "completed_at"])
def test_assignment_admin_ignores_read_only_fields(supervisor, colleague, chat_assignment, field):
    before = Assignment.objects.values(field).get()
    value = {"status": "completed", "counselor": str(colleague.pk), "completed_at": "2026-01-01"}.get(field, "")

    client_of(supervisor).post(f"{ASSIGNMENTS}{chat_assignment.pk}/change/", {"notes": "new", field: value})

    chat_assignment.refresh_from_db()
    assert chat_assignment.notes == "new"
    assert Assignment.objects.values(field).get() == before


def run_action(person, action: str, *assignments: Assignment) -> str:
    selected = [str(assignment.pk) for assignment in assignments]
    data = {"action": action, "_selected_action": selected, "confirmed": "yes"}
    response = client_of(person).post(ASSIGNMENTS, data, follow=True)
    return response.content.decode()


def test_reset_action_resets_only_assignments_in_progress(supervisor, finished_chat, chat_assignment, phone_assignment):
    body = run_action(supervisor, "reset", chat_assignment, phone_assignment)

    chat_assignment.refresh_from_db()
    assert "1 assignment was reset." in body
    assert chat_assignment.status == Assignment.Status.PENDING
    assert Session.objects.filter(assignment=chat_assignment).exists()


def test_reset_and_cancel_actions_skip_assignments_with_a_live_session(supervisor, chat, chat_assignment):
    assert "0 assignments were reset." in run_action(supervisor, "reset", chat_assignment)
    assert "0 assignments were canceled." in run_action(supervisor, "cancel", chat_assignment)

    end_session(chat, EndReason.HUNG_UP)

    assert "1 assignment was canceled." in run_action(supervisor, "cancel", chat_assignment)


def test_assignment_admin_refuses_a_past_due_date(supervisor, chat_scenario, counselor):
    fields = {"counselor": counselor.pk, "scenario": chat_scenario.pk, "due_date": PAST_DATE}

    response = client_of(supervisor).post(f"{ASSIGNMENTS}add/", fields)

    assert response.context["adminform"].form.errors.keys() == {"due_date"}
    assert Assignment.objects.count() == 0


def test_assignment_admin_changes_notes_of_an_overdue_assignment(supervisor, chat_assignment):
    Assignment.objects.update(due_date=PAST_DATE)

    client_of(supervisor).post(
        f"{ASSIGNMENTS}{chat_assignment.pk}/change/", {"due_date": PAST_DATE, "notes": "As soon as you can."}
    )

    chat_assignment.refresh_from_db()
    assert (chat_assignment.due_date, chat_assignment.notes) == (PAST_DATE, "As soon as you can.")


def test_assignment_admin_does_not_offer_one_time_scenarios(supervisor, chat_scenario, organization):
    add_scenario(organization, "Made for one", is_one_time=True)

    form = client_of(supervisor).get(f"{ASSIGNMENTS}add/").context["adminform"].form

    assert list(form.fields["scenario"].queryset) == [chat_scenario]


def one_time_fields(*counselors, **fields: object) -> dict[str, object]:
    people = [str(counselor.pk) for counselor in counselors]
    return FIELDS | {"counselors": people, "due_date": str(FUTURE_DATE), "notes": "After your call."} | fields


def test_one_time_page_creates_and_assigns_a_scenario(supervisor, counselor, account, organization):
    skill = Skill.objects.filter(organization=organization).first()
    fields = one_time_fields(counselor, account=str(account.pk), skills=[str(skill.pk)], require_recording="on")

    response = client_of(supervisor).post(ONE_TIME, fields, follow=True)

    scenario, assignment = Scenario.objects.get(), Assignment.objects.get()
    assert response.redirect_chain == [(f"{SCENARIOS}{scenario.pk}/change/", 302)]
    assert "“Night shift” was saved and assigned to counselor@example.org." in response.content.decode()
    assert (scenario.is_one_time, scenario.is_active, scenario.created_by) == (True, True, supervisor)
    assert (scenario.account, list(scenario.skills.all())) == (account, [skill])
    assert scenario.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert (assignment.scenario, assignment.counselor, assignment.assigned_by) == (scenario, counselor, supervisor)
    assert (assignment.due_date, assignment.notes) == (FUTURE_DATE, "After your call.")
    assert assignment.require_recording is True
    assert LogEntry.objects.get().change_message == "Created for counselor@example.org."


def test_one_time_page_accepts_the_context_as_a_file(supervisor, counselor, colleague):
    response = client_of(supervisor).post(
        ONE_TIME, one_time_fields(counselor, colleague, evaluator_context="") | upload("- Waits.")
    )

    assert response.status_code == 302
    assert Scenario.objects.get().evaluator_context == "- Waits."
    assert {assignment.counselor for assignment in Assignment.objects.all()} == {counselor, colleague}


def errors_of(response) -> dict[str, set[str]]:
    forms = ("adminform", "assignform")
    return {name: set(response.context[name].form.errors) for name in forms if response.context[name].form.errors}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"title": "", "counselors": [], "due_date": str(PAST_DATE)},
            {"adminform": {"title"}, "assignform": {"counselors", "due_date"}},
        ),
        ({"counselors": []}, {"assignform": {"counselors"}}),
        ({"prompt": "x" * 10_001}, {"adminform": {"prompt"}}),
        (upload("%PDF-1.7", "complaint.pdf"), {"adminform": {"context_file"}}),
    ],
)
def test_one_time_page_reports_errors_of_both_forms_and_saves_nothing(
    supervisor, counselor, fields, errors, settings, tmp_path
):
    use_own_folder(settings, tmp_path)

    response = client_of(supervisor).post(ONE_TIME, one_time_fields(counselor) | fields)

    form = response.context["adminform"].form
    assert errors_of(response) == errors
    assert form["evaluator_context"].value() == FIELDS["evaluator_context"]
    assert response.context["assignform"].form["notes"].value() == "After your call."
    assert (Scenario.objects.count(), Assignment.objects.count(), context_files()) == (0, 0, set())


def test_one_time_page_keeps_the_input_when_storage_fails(supervisor, counselor, settings):
    use_storage(settings, "tests.scenarios.admin.test_evaluator_contexts.UnavailableStorage", reads=True)

    response = client_of(supervisor).post(ONE_TIME, one_time_fields(counselor))

    assert errors_of(response) == {"adminform": {"__all__"}}
    assert "could not be saved" in response.content.decode()
    assert response.context["adminform"].form["prompt"].value() == FIELDS["prompt"]
    assert (Scenario.objects.count(), Assignment.objects.count()) == (0, 0)


def test_one_time_page_refuses_counselors_of_another_organization(supervisor, stranger, other_organization):
    theirs = type(stranger).objects.create_user("c@example.net", organization=other_organization, role="counselor")

    response = client_of(supervisor).post(ONE_TIME, one_time_fields(theirs))

    assert errors_of(response) == {"assignform": {"counselors"}}
    assert theirs.email not in client_of(supervisor).get(ONE_TIME).content.decode()


def test_one_time_page_needs_permission_to_write_and_assign(supervisor, trainer, evaluator):
    statuses = {person.role: client_of(person).get(ONE_TIME).status_code for person in (supervisor, trainer, evaluator)}

    assert statuses == {"supervisor": 200, "trainer": 403, "evaluator": 403}
    offered = {
        person.role: ONE_TIME in client_of(person).get(SCENARIOS).content.decode() for person in (supervisor, trainer)
    }
    assert offered == {"supervisor": True, "trainer": False}


def test_scenario_list_links_first_to_a_trial_in_the_scenarios_mode(supervisor, chat_scenario):
    body = client_of(supervisor).get(SCENARIOS).content.decode()

    assert re.findall('<a href="/training/([a-z]+)/trial/[^"]+" aria-label="([^"]+)"', body) == [
        ("chat", "Try as a chat: Writing from the train"),
        ("voice", "Try as a call: Writing from the train"),
    ]


def test_scenario_autocomplete_offers_only_assignable_scenarios(supervisor, organization, other_organization):
    add_scenario(organization, "Night shift")
    add_scenario(organization, "Night shift for one", is_one_time=True)
    add_scenario(organization, "Night shift of old", is_active=False)
    add_scenario(other_organization, "Night shift elsewhere")
    query = {"app_label": "training", "model_name": "assignment", "field_name": "scenario", "term": "night"}

    found = client_of(supervisor).get("/admin/autocomplete/", query).json()["results"]

    assert [result["text"] for result in found] == ["Night shift"]
