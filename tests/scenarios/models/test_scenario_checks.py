import pytest
from django.core.exceptions import ValidationError

from evaluation.models import Evaluation
from evaluation.services.grading import grade_evaluation
from scenarios.models import Scenario
from scenarios.models.scenario_checks import clean_checks, propose_checks
from scenarios.services.evaluator_contexts import write_evaluator_context
from scenarios.services.versions import snapshot_scenario
from tests.support.fixtures import add_scenario, client_of, write_turns
from training.services.assignments import assign
from training.services.session_start import start_assignment
from training.services.sessions import end_session

CONTEXT = "- Asks about suicide directly, such as “Are you thinking about suicide?”\n- Greets warmly."
PROPOSED = [
    {
        "text": "Asks about suicide directly, such as “Are you thinking about suicide?”",
        "weight": 3,
        "expected": "",
        "phrases": ["Are you thinking about suicide?"],
    },
    {"text": "Greets warmly.", "weight": 2, "expected": "", "phrases": []},
]


@pytest.fixture
def scenario(organization) -> Scenario:
    scenario = add_scenario(organization, "Night")
    write_evaluator_context(scenario, CONTEXT)
    return scenario


def change_url(scenario: Scenario) -> str:
    return f"/admin/scenarios/scenario/{scenario.pk}/change/"


def submit_form(client, scenario: Scenario, rows: list[dict], context: str = CONTEXT, **fields):
    """Submit the form with its current values and these checks. Return the response."""
    form = client.get(change_url(scenario)).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if name not in {"checks", "context_file"}}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    for number, row in enumerate(rows):
        values = {"weight": 2, "expected": "", "phrases": ""} | row
        data |= {f"checks-{number}-{name}": value for name, value in values.items()}
    return client.post(change_url(scenario), data | {"evaluator_context": context} | fields)


def form_rows(checks) -> list[dict]:
    return [check | {"phrases": "; ".join(check["phrases"])} for check in checks]


def test_propose_checks_returns_one_check_per_list_item():
    assert propose_checks(CONTEXT) == PROPOSED
    assert [check["text"] for check in propose_checks("One thought\nover two lines.")] == [
        "One thought over two lines."
    ]
    assert propose_checks(" ") == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "x", "weight": 4}, "Check 1: Choose a weight of 1, 2, or 3."),
        ({"text": "x" * 1001}, "Check 1: The text has 1,001 characters. The limit is 1,000."),
        ({"text": "x", "expected": "y" * 301}, "Check 1: The expected outcome has 301 characters"),
        ({"text": "x", "phrases": ["a"] * 6}, "Check 1: Enter at most 5 phrases of at most 120 characters each."),
    ],
)
def test_clean_checks_rejects_invalid_check_with_its_number(row, message):
    with pytest.raises(ValidationError) as error:
        clean_checks([row])

    assert error.value.messages[0].startswith(message)


def test_clean_checks_drops_blank_checks_and_limits_count():
    assert clean_checks([{"text": " "}, {"text": " Asks. ", "phrases": [" a ", ""]}]) == [
        {"text": "Asks.", "weight": 2, "expected": "", "phrases": ["a"]}
    ]
    with pytest.raises(ValidationError, match="Enter at most 20 checks. There are 21"):
        clean_checks([{"text": "x"}] * 21)


def test_form_proposes_checks_until_they_are_edited(supervisor, scenario):
    client = client_of(supervisor)
    assert "Greets warmly." in client.get(change_url(scenario)).content.decode()

    unchanged = submit_form(client, scenario, form_rows(PROPOSED))
    scenario.refresh_from_db()
    assert (unchanged.status_code, scenario.checks) == (302, [])

    submit_form(client, scenario, form_rows(PROPOSED), context="- Says goodbye.")
    scenario.refresh_from_db()
    assert scenario.checks == []
    assert [check["text"] for check in snapshot_scenario(scenario, scenario.evaluator_context).checks] == [
        "Says goodbye."
    ]


def test_edited_checks_survive_context_change(supervisor, scenario):
    client = client_of(supervisor)
    edited = {"text": "Greets by name.", "weight": 3, "expected": "The caller feels expected.", "phrases": "Hello; hi"}

    response = submit_form(client, scenario, [edited])
    assert response.status_code == 302, response.context["errors"]
    scenario.refresh_from_db()
    expected = [
        {"text": "Greets by name.", "weight": 3, "expected": "The caller feels expected.", "phrases": ["Hello", "hi"]}
    ]
    assert scenario.checks == expected

    submit_form(client, scenario, form_rows(expected), context="- Says goodbye.")
    scenario.refresh_from_db()
    assert scenario.checks == expected


def test_form_shows_check_error_and_keeps_input(supervisor, scenario):
    response = submit_form(client_of(supervisor), scenario, [{"text": "Greets.", "weight": 9}])

    body = response.content.decode()
    assert response.status_code == 200
    assert "Check 1: Choose a weight of 1, 2, or 3." in body and "Greets." in body


def test_session_is_graded_by_checks_from_its_start(supervisor, counselor, scenario, standin):
    scenario.checks = [{"text": "Greets by name.", "weight": 3, "expected": "", "phrases": ["my name is"]}]
    scenario.save(update_fields=["checks"])
    session = start_assignment(assign(scenario, counselor, supervisor))[0]
    Scenario.objects.update(checks=[{"text": "Other.", "weight": 1, "expected": "", "phrases": []}])
    write_turns(session, "hi", "Hello, my name is Sam.")
    end_session(session, "hung_up")
    evaluation = Evaluation.objects.get(session=session)

    grade_evaluation(evaluation.pk)

    [criterion] = evaluation.criteria.filter(source="scenario")
    assert (criterion.check_text, criterion.weight) == ("Greets by name.", 3)
    [request] = [
        entry["body"]
        for entry in standin.logged_requests("http", "/v1/responses")
        if entry["body"]["text"]["format"]["name"] == "grading"
    ]
    assert '"phrases": ["my name is"]' in str(request["input"][0]["content"])
