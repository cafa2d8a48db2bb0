from html.parser import HTMLParser
from importlib import import_module

import pytest
from django.core.exceptions import ValidationError

from evaluation.models import Evaluation
from evaluation.services.grading import grade_evaluation
from scenarios.models import Scenario, ScenarioVersion
from scenarios.models.scenario_checks import clean_checks, plan_checks, propose_checks
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


class CheckTexts(HTMLParser):
    """The text boxes of the checks, as a browser fills them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag, attrs):
        name = dict(attrs).get("name") or ""
        self._is_open = tag == "textarea" and name.startswith("checks-") and name.endswith("-text")
        if self._is_open:
            self.texts.append("")

    def handle_endtag(self, tag):
        self._is_open = False

    def handle_data(self, data):
        if self._is_open:
            self.texts[-1] += data


def shown_checks(response) -> list[str]:
    page = CheckTexts()
    page.feed(response.content.decode())
    return page.texts


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
    with pytest.raises(ValidationError, match="Enter at most 40 checks. There are 41"):
        clean_checks([{"text": "x"}] * 41)


def test_form_proposes_checks_until_they_are_edited(supervisor, scenario):
    client = client_of(supervisor)
    assert shown_checks(client.get(change_url(scenario))) == [check["text"] for check in PROPOSED] + ["", ""]

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


LONG_CONTEXT = "About the caller\n- Lost the shop in May\n\nWhat the counselor should do\n" + "".join(
    f"{number}. Asks about matter {number}\n   - gently\n" for number in range(1, 43)
)


def test_form_shows_proposals_and_what_is_left_out(supervisor, organization):
    scenario = add_scenario(organization, "Shop")
    write_evaluator_context(scenario, LONG_CONTEXT)

    response = client_of(supervisor).get(change_url(scenario))

    body = response.content.decode()
    assert shown_checks(response) == [f"Asks about matter {number}: gently" for number in range(1, 41)]
    assert "These checks are proposed from the text above." in body
    assert "<q>Lost the shop in May</q> “About the caller” is about the caller or the situation." in body
    assert "<q>Asks about matter 42: gently</q> At most 40 points are graded." in body
    assert "3 lines are not graded" in body


def test_form_keeps_proposals_with_semicolon_in_phrase(supervisor, organization):
    scenario = add_scenario(organization, "Stay")
    context = "- Asks “Are you safe; can you stay?”"
    write_evaluator_context(scenario, context)

    submit_form(client_of(supervisor), scenario, form_rows(propose_checks(context)), context)

    scenario.refresh_from_db()
    assert scenario.checks == []


def test_form_refuses_too_many_checks_instead_of_cutting_them(supervisor, scenario):
    response = submit_form(client_of(supervisor), scenario, [{"text": f"Asks {n}."} for n in range(45)])

    assert "Enter at most 40 checks. There are 45." in response.content.decode()


def test_viewer_sees_the_checks(evaluator, scenario):
    body = client_of(evaluator).get(change_url(scenario)).content.decode()

    assert "2 checks will be graded. They are proposed from the evaluator context." in body
    assert "<li>Greets warmly. " in body


def test_plan_snapshot_and_grading_use_the_same_checks(supervisor, counselor, organization, standin):
    scenario = add_scenario(organization, "Shop")
    write_evaluator_context(scenario, LONG_CONTEXT)
    planned = [check["text"] for check in plan_checks([], LONG_CONTEXT).checks]
    session = start_assignment(assign(scenario, counselor, supervisor))[0]
    write_turns(session, "hi", "Hello, my name is Sam.")
    end_session(session, "hung_up")

    grade_evaluation(Evaluation.objects.get(session=session).pk)

    graded = Evaluation.objects.get(session=session).criteria.filter(source="scenario").order_by("position")
    assert [one.check_text for one in graded] == planned
    assert len(planned) == 40


def test_version_without_recorded_checks_is_not_read_again(supervisor, counselor, scenario, standin):
    session = start_assignment(assign(scenario, counselor, supervisor))[0]
    ScenarioVersion.objects.update(checks=[])
    write_turns(session, "hi", "Hello, my name is Sam.")
    end_session(session, "hung_up")

    grade_evaluation(Evaluation.objects.get(session=session).pk)

    assert not Evaluation.objects.get(session=session).criteria.filter(source="scenario").exists()


def test_upgrade_records_checks_as_they_were_read():
    migration = import_module("scenarios.migrations.0004_recorded_checks")
    context = "Background\n- Asks “how long?” about suicide.\n  - calmly\n" + "".join(
        f"- point {n}\n" for n in range(30)
    )

    recorded = migration.read_checks(context)

    assert [check["text"] for check in recorded[:3]] == ["Asks “how long?” about suicide.", "calmly", "point 0"]
    assert (recorded[0]["weight"], recorded[0]["phrases"], len(recorded)) == (3, ["how long?"], 20)
