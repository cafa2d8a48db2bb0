import pytest
from django.core.exceptions import ValidationError

from scenarios.models import Scenario
from scenarios.models.visitor_survey import clean_survey, format_survey
from tests.scenarios.admin.test_scenarios import FIELDS
from tests.support.fixtures import client_of
from training.openai_caller import caller_instructions
from training.services.session_start import start_assignment

FILLED = {"age": "19", "area": "Ohio", "concerns": "exams, being alone", "upset": 4, "suicide": "unsure"}


def test_clean_survey_drops_empty_answers():
    assert clean_survey({"age": " 19 ", "area": "", "upset": None}) == {"age": "19"}
    assert clean_survey(None) == clean_survey({}) == {}


@pytest.mark.parametrize(
    "answers",
    [{"age": "x" * 21}, {"age": 19}, {"upset": 0}, {"upset": 6}, {"upset": True}, {"suicide": "maybe"}, {"name": "Jo"}],
)
def test_clean_survey_rejects_invalid_answers(answers):
    with pytest.raises(ValidationError) as error:
        clean_survey(answers)

    assert list(error.value.message_dict) == list(answers)


def test_format_survey_returns_labels_and_answers():
    assert format_survey(FILLED)[3:] == [("How upset, from 1 to 5", "4"), ("Thoughts of suicide", "Not sure")]
    assert format_survey({}) == []


def test_survey_is_shown_to_counselor_and_caller(counselor, chat_assignment):
    Scenario.objects.update(visitor_survey=FILLED)
    chat_assignment.scenario.refresh_from_db()

    page = client_of(counselor).get(f"/training/chat/{chat_assignment.pk}/").content.decode()
    session, _ = start_assignment(chat_assignment)

    assert "Survey the visitor filled out before the chat" in page and "exams, being alone" in page
    assert "- Thoughts of suicide: not sure" in caller_instructions(session)
    assert session.scenario_version.visitor_survey == FILLED


def test_empty_survey_is_not_mentioned(counselor, chat):
    assert "form" not in caller_instructions(chat).split("# Who you are")[1]
    assert "filled in" not in client_of(counselor).get(f"/training/chat/{chat.assignment_id}/").content.decode()


def test_admin_form_saves_survey(supervisor):
    client = client_of(supervisor)
    survey = {f"visitor_survey-{name}": value for name, value in FILLED.items()}

    client.post("/admin/scenarios/scenario/add/", FIELDS | {"mode": "chat"} | survey)
    scenario = Scenario.objects.get()
    page = client.get(f"/admin/scenarios/scenario/{scenario.pk}/change/").content.decode()
    rejected = client.post("/admin/scenarios/scenario/add/", FIELDS | {"mode": "phone", "title": "B"} | survey)

    assert scenario.visitor_survey == FILLED
    assert 'value="exams, being alone"' in page and '<option value="unsure" selected>' in page
    assert "This is a phone scenario" in rejected.content.decode()


def test_api_saves_survey(supervisor):
    client, body = client_of(supervisor), {"title": "A", "prompt": "You are Noor.", "mode": "chat"}

    created = client.post("/api/scenarios/", body | {"visitor_survey": FILLED}, content_type="application/json")
    rejected = client.post("/api/scenarios/", body | {"visitor_survey": {"upset": 9}}, content_type="application/json")

    assert (created.status_code, created.json()["visitor_survey"]) == (201, FILLED)
    assert (rejected.status_code, rejected.json()["fields"]) == (
        400, {"visitor_survey.upset": ["Enter a whole number from 1 to 5."]},
    )  # fmt: skip
