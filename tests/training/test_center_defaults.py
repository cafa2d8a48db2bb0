"""Terms that a center has decided for its new assignments: services, API, and pages."""

import re

import pytest

from scenarios.services.drafts import request_draft
from tests.support.fixtures import client_of
from training.models import Assignment
from training.services.assignments import assign, assign_many
from training.services.one_time_scenarios import create_one_time

TERMS = ("pass_mark", "attempts_allowed", "require_recording")


@pytest.fixture(autouse=True)
def defaults(organization):
    organization.default_pass_mark, organization.default_attempts, organization.default_recording = 70, 3, True
    organization.save()


def terms_of(assignment: Assignment) -> tuple[object, ...]:
    return tuple(getattr(assignment, name) for name in TERMS)


def test_terms_that_are_not_given_are_the_centers(supervisor, counselor, colleague, chat_scenario, phone_scenario):
    one = assign(chat_scenario, counselor, supervisor, notes="Take your time.")
    many = assign_many([phone_scenario], [counselor, colleague], supervisor, attempts_allowed=None)
    fields = {"title": "New", "prompt": "You are calm.", "mode": "chat"}
    _scenario, new = create_one_time(supervisor, fields, "", [], [counselor], pass_mark=80, require_recording=False)

    assert terms_of(one) == (70, 3, True)
    assert {terms_of(row) for row in many.assignments} == {(70, None, True)}
    assert [terms_of(row) for row in new] == [(80, 3, False)]


def test_other_centers_have_their_own(stranger, other_organization, counselor):
    fields = {"title": "New", "prompt": "You are calm.", "mode": "chat"}
    counselor.organization = other_organization
    counselor.save()

    _scenario, (row,) = create_one_time(stranger, fields, "", [], [counselor])

    assert terms_of(row) == (None, None, False)


def test_api_fills_in_what_is_omitted_and_keeps_null(supervisor, counselor, chat_scenario, phone_scenario):
    client, who = client_of(supervisor), {"counselor": str(counselor.pk)}

    def create(scenario, **terms):
        body = who | {"scenario": str(scenario.pk)} | terms
        return client.post("/api/assignments/", body, content_type="application/json").json()

    omitted = create(chat_scenario)
    given = create(phone_scenario, pass_mark=None, attempts_allowed=None, require_recording=False)

    assert [omitted[name] for name in TERMS] == [70, 3, True]
    assert [given[name] for name in TERMS] == [None, None, False]


def test_change_of_an_assignment_keeps_its_own_terms(supervisor, counselor, chat_scenario):
    row = assign(chat_scenario, counselor, supervisor, pass_mark=None)

    path = f"/api/assignments/{row.pk}/"
    client_of(supervisor).patch(path, {"notes": "Soon."}, content_type="application/json")

    row.refresh_from_db()
    assert (row.notes, row.pass_mark) == ("Soon.", None)


def test_assign_page_begins_with_the_defaults_and_takes_a_blank(supervisor, counselor, chat_scenario):
    client = client_of(supervisor)

    page = client.get("/assignments/new/").content.decode()
    chosen = {"counselors": [counselor.pk], "scenarios": [chat_scenario.pk], "pass_mark": "", "attempts_allowed": "2"}
    client.post("/assignments/new/", chosen)

    assert re.search(r'<details class="more-terms" open>', page)
    assert re.search(r'name="pass_mark" value="70"', page) and re.search(r'name="attempts_allowed" value="3"', page)
    assert re.search(r'name="require_recording"[^>]* checked', page)
    assert terms_of(Assignment.objects.get()) == (None, 2, False)


def test_admin_page_of_a_new_assignment_begins_with_the_defaults(supervisor):
    page = client_of(supervisor).get("/admin/training/assignment/add/").content.decode()

    assert re.search(r'name="pass_mark" value="70"', page) and re.search(r'name="require_recording"[^>]* checked', page)


def test_draft_is_saved_to_the_library_with_the_defaults_in_its_form(supervisor, counselor, organization):
    draft = request_draft(supervisor, "A caller was put on hold for eleven minutes and hung up angrily after that.")
    draft.status, draft.title, draft.prompt = "ready", "On hold", "You are calm."
    draft.save()
    url = f"/admin/scenarios/scenariodraft/{draft.pk}/change/"
    client = client_of(supervisor)
    page = client.get(url).content.decode()
    sent = {"title": "On hold", "prompt": "You are calm.", "mode": "phone", "difficulty": "intermediate"}
    sent |= {"estimated_minutes": "10", "opens": "counselor", "patience": "normal", "purpose": "library"}
    sent |= {"pass_mark": "70", "attempts_allowed": "3", "require_recording": "on", "save": ""}

    response = client.post(url, sent)

    assert re.search(r'name="pass_mark" value="70"', page) and re.search(r'name="attempts_allowed" value="3"', page)
    assert response.status_code == 302, re.findall(r'class="errorlist"[^>]*>(.*?)</ul>', response.content.decode())
    draft.refresh_from_db()
    assert (draft.status, Assignment.objects.count()) == ("saved", 0)
