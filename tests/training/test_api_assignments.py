import pytest

from accounts.models import Cohort, User
from tests.support.fixtures import client_of
from training.models import Assignment
from training.services.assignments import assign

ASSIGNMENTS, BULK = "/api/assignments/", "/api/assignments/bulk/"


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


def test_bulk_assigns_a_cohort_once(organization, supervisor, counselor, colleague, chat_scenario, phone_scenario):
    cohort = Cohort.objects.create(organization=organization, name="Spring class")
    cohort.counselors.set([counselor, colleague])
    client = client_of(supervisor)
    body = {
        "cohorts": [str(cohort.pk)],
        "scenarios": [str(chat_scenario.pk), str(phone_scenario.pk)],
        "pass_mark": 65,
    }

    first, second = post(client, BULK, body), post(client, BULK, body)

    assert (first.status_code, len(first.json()["assignments"])) == (201, 4)
    assert {row["pass_mark"] for row in first.json()["assignments"]} == {65}
    assert (second.status_code, len(second.json()["open"]), second.json()["assignments"]) == (200, 4, [])


def test_bulk_accepts_external_ids(supervisor, organization, chat_scenario, counselor):
    person = {"external_id": "lms-1", "email": "new@example.org", "first_name": "Nia"}
    existing = {"external_id": "lms-2", "email": counselor.email}
    body = {"people": [person, {"external_id": "lms-3"}, existing], "scenarios": [str(chat_scenario.pk)]}

    response = post(client_of(supervisor), BULK, body)

    assert response.status_code == 201
    user = User.objects.get(organization=organization, external_id="lms-1")
    assert (user.email, user.first_name, user.role, user.has_usable_password()) == (
        "new@example.org", "Nia", "counselor", False,
    )  # fmt: skip
    counselor.refresh_from_db()
    assert counselor.external_id == "lms-2"
    assert Assignment.objects.filter(counselor__external_id__startswith="lms-").count() == 3

    again = post(client_of(supervisor), BULK, body)

    assert (again.status_code, User.objects.filter(external_id__startswith="lms-").count()) == (200, 3)


def test_bulk_refuses_an_external_person_of_another_organization(supervisor, stranger, chat_scenario):
    body = {"people": [{"external_id": "a"}, {"external_id": "b", "email": stranger.email}]}

    response = post(client_of(supervisor), BULK, body | {"scenarios": [str(chat_scenario.pk)]})

    assert (response.status_code, response.json()["fields"]) == (
        400, {"people.email": ["This address can’t be used here. Ask the person for another one."]},
    )  # fmt: skip
    assert User.objects.filter(external_id="a").count() == Assignment.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"counselors": []}, "counselors"),
        ({"counselors": ["00000000-0000-0000-0000-000000000001"]}, "counselors"),
        ({"scenarios": ["00000000-0000-0000-0000-000000000001"]}, "scenarios"),
        ({"scenarios": []}, "scenarios"),
        ({"due_date": "2020-01-01"}, "due_date"),
        ({"pass_mark": 101}, "pass_mark"),
        ({"attempts_allowed": 0}, "attempts_allowed"),
        ({"notes": "x" * 1001}, "notes"),
        ({"due": "2030-01-01"}, "due"),
    ],
)
def test_bulk_reports_errors_by_field(supervisor, counselor, chat_scenario, change, field):
    body = {"counselors": [str(counselor.pk)], "scenarios": [str(chat_scenario.pk)]} | change

    response = post(client_of(supervisor), BULK, body)

    assert (response.status_code, list(response.json()["fields"])) == (400, [field])
    assert Assignment.objects.count() == 0


def test_create_assigns_once(supervisor, counselor, chat_scenario):
    client, body = client_of(supervisor), {"counselor": str(counselor.pk), "scenario": str(chat_scenario.pk)}

    first, second = post(client, ASSIGNMENTS, body), post(client, ASSIGNMENTS, body)

    assert (first.status_code, second.status_code, second.json()["code"]) == (201, 409, "open_already")
    Assignment.objects.update(status="completed")
    unforced, forced = post(client, ASSIGNMENTS, body), post(client, ASSIGNMENTS, body | {"force_reassign": True})
    assert (unforced.status_code, unforced.json()["code"], forced.status_code) == (409, "completed_already", 201)


def test_counselor_lists_and_declines_only_their_own_assignments(
    counselor, colleague, supervisor, chat_assignment, phone_scenario
):
    assign(phone_scenario, colleague, supervisor)
    client = client_of(counselor)

    listed = client.get(ASSIGNMENTS).json()["results"]
    declined = post(client, f"{ASSIGNMENTS}{chat_assignment.pk}/decline/", {})
    again = post(client, f"{ASSIGNMENTS}{chat_assignment.pk}/decline/", {})

    assert [row["id"] for row in listed] == [str(chat_assignment.pk)]
    assert (declined.status_code, declined.json()["status"], declined.json()["is_declined"]) == (200, "cancelled", True)
    assert (again.status_code, again.json()["code"]) == (409, "not_now")


def test_assignment_filters_narrow_the_list_and_unknown_filters_are_refused(
    supervisor, chat_assignment, phone_assignment
):
    client = client_of(supervisor)
    Assignment.objects.filter(pk=phone_assignment.pk).update(due_date="2020-01-01")

    overdue = client.get(f"{ASSIGNMENTS}?status=overdue").json()["results"]
    of_scenario = client.get(f"{ASSIGNMENTS}?scenario={chat_assignment.scenario_id}").json()["results"]

    assert [row["id"] for row in overdue] == [str(phone_assignment.pk)]
    assert [row["id"] for row in of_scenario] == [str(chat_assignment.pk)]
    assert client.get(f"{ASSIGNMENTS}?state=overdue").status_code == 400


def test_partial_update_changes_only_the_terms(supervisor, chat_assignment):
    client, path = client_of(supervisor), f"{ASSIGNMENTS}{chat_assignment.pk}/"

    changed = client.patch(path, {"notes": "Slowly.", "pass_mark": 50}, content_type="application/json")
    rejected = client.patch(path, {"status": "completed"}, content_type="application/json")

    assert (changed.status_code, changed.json()["notes"], changed.json()["pass_mark"]) == (200, "Slowly.", 50)
    assert (rejected.status_code, list(rejected.json()["fields"])) == (400, ["status"])
    chat_assignment.refresh_from_db()
    assert chat_assignment.status == "pending"
