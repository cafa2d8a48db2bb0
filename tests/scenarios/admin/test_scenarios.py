import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, ProcedureDocument
from scenarios.models import Scenario, Skill
from scenarios.services.evaluator_contexts import write_evaluator_context
from tests.scenarios.services.test_versions import version_of
from tests.support.fixtures import add_scenario, client_of

ADD = "/admin/scenarios/scenario/add/"
FIELDS = {
    "title": "Night shift",
    "description": "Practise opening.",
    "mode": "phone",
    "difficulty": "beginner",
    "estimated_minutes": "10",
    "prompt": "You are Dana.\r\nYou are tired.",
    "opens": "",
    "patience": "brisk",
    "evaluator_context": "- Names the loneliness.\r\n- Asks directly.",
    "relevant_policy_sections": "3010\r\n2020",
    "is_active": "on",
}


def change_url(scenario: Scenario) -> str:
    return f"/admin/scenarios/scenario/{scenario.pk}/change/"


def test_form_creates_scenario_with_context_file(supervisor):
    response = client_of(supervisor).post(ADD, FIELDS)

    assert response.status_code == 302
    scenario = Scenario.objects.get()
    assert (scenario.organization, scenario.created_by) == (supervisor.organization, supervisor)
    assert scenario.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert scenario.prompt == "You are Dana.\nYou are tired."


def test_edit_appears_in_next_version(supervisor, organization):
    client_of(supervisor).post(ADD, FIELDS)
    scenario = Scenario.objects.get()
    before = version_of(scenario)

    client_of(supervisor).post(change_url(scenario), FIELDS | {"evaluator_context": "- Waits."})

    after = version_of(scenario)
    assert (before.number, before.evaluator_context) == (1, "- Names the loneliness.\n- Asks directly.")
    assert (after.number, after.evaluator_context) == (2, "- Waits.")


def test_saving_unedited_form_changes_nothing(supervisor, organization):
    """Save an unchanged form with line breaks as CRLF, the way a browser sends them."""
    texts = {"prompt": "a\nb", "description": "c\nd", "relevant_policy_sections": "e\nf"}
    scenario = add_scenario(organization, "Night shift", "phone", **texts)
    write_evaluator_context(scenario, "- one\n- two")
    version = version_of(scenario)
    form = client_of(supervisor).get(change_url(scenario)).context["adminform"].form
    form_values = {name: value for name in form.fields if (value := form[name].value())} | {"is_active": "on"}
    data = {
        name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in form_values.items()
    }

    response = client_of(supervisor).post(change_url(scenario), data)

    assert response.status_code == 302, response.context["errors"]
    assert version_of(scenario) == version


def test_longest_context_fits_with_crlf_line_ends(supervisor):
    longest = ("- a point\n" * 5000)[:-1]

    response = client_of(supervisor).post(ADD, FIELDS | {"evaluator_context": longest.replace("\n", "\r\n")})

    assert response.status_code == 302
    assert Scenario.objects.get().evaluator_context == longest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "x" * 256),
        ("prompt", ""),
        ("prompt", "x" * 10_001),
        ("estimated_minutes", "4"),
        ("mode", "letter"),
        ("evaluator_context", "x" * 50_001),
        ("relevant_policy_sections", "x" * 2001),
        ("account", "717"),
    ],
)
def test_form_shows_errors_and_saves_nothing(supervisor, field, value):
    response = client_of(supervisor).post(ADD, FIELDS | {field: value})

    assert response.context["adminform"].form.errors.keys() == {field}
    assert Scenario.objects.count() == 0


def test_eleven_skills_are_rejected(supervisor, organization):
    skills = [str(skill.pk) for skill in Skill.objects.filter(organization=organization)[:11]]
    client = client_of(supervisor)

    rejected = client.post(ADD, FIELDS | {"skills": skills})
    assert rejected.context["adminform"].form.errors == {"skills": ["Choose at most 10 skills. You chose 11."]}

    client.post(ADD, FIELDS | {"skills": skills[:10]})
    assert Scenario.objects.get().skills.count() == 10


def test_mode_of_assigned_scenario_is_locked(supervisor, chat_assignment, chat_scenario):
    client = client_of(supervisor)

    response = client.post(change_url(chat_scenario), FIELDS | {"mode": "phone"})

    chat_scenario.refresh_from_db()
    assert response.status_code == 302
    assert (chat_scenario.mode, chat_scenario.title) == ("chat", "Night shift")


def test_form_ignores_one_time_flag(supervisor, organization):
    one_time = add_scenario(organization, "Made for one", is_one_time=True)
    client = client_of(supervisor)

    client.post(ADD, FIELDS | {"title": "Written", "is_one_time": "on"})
    client.post(change_url(one_time), FIELDS | {"title": "Edited"})

    assert dict(Scenario.objects.values_list("title", "is_one_time")) == {"Written": False, "Edited": True}


def form_of(response):
    return response.context["adminform"].form


def test_evaluator_sees_read_only_form(evaluator, chat_scenario):
    body = client_of(evaluator).get(change_url(chat_scenario)).content.decode()

    assert "Asks what makes going home hard" in body
    assert re.findall("<textarea|type=.file|Try as a|id=.advice", body) == []


def test_trainer_can_edit_and_try(trainer, phone_scenario):
    client = client_of(trainer)

    assert client.post(change_url(phone_scenario), FIELDS).status_code == 302
    assert "Try as a call" in client.get(change_url(phone_scenario)).content.decode()


def add_procedures(account: Account, uploader, filename: str) -> None:
    document = ProcedureDocument.objects.create(
        organization=account.organization, account=account, filename=filename, size=1, sha256="x", uploaded_by=uploader
    )
    Account.objects.filter(pk=account.pk).update(procedures=document)


def test_account_choices_show_procedures(supervisor, account, organization, other_organization):
    Account.objects.create(organization=organization, name="Ridge Line", number="718")
    Account.objects.create(organization=other_organization, name="Another's", number="1")
    add_procedures(account, supervisor, "harbor.md")
    waiting = Account.objects.create(organization=organization, name="Valley Line", number="719")
    add_procedures(waiting, supervisor, "valley.md")
    Account.objects.filter(pk=waiting.pk).update(procedures=None)

    response = client_of(supervisor).get(ADD)

    assert [str(label) for _, label in form_of(response).fields["account"].choices] == [
        "The whole organization",
        f"Harbor State Line (717) · procedures harbor.md, {timezone.localdate():%Y-%m-%d}",
        "Ridge Line (718) · no current procedures",
        "Valley Line (719) · procedures being prepared",
    ]


def test_account_choices_query_count_is_constant(supervisor, organization, django_assert_num_queries):
    client = client_of(supervisor)
    client.get(ADD)  # the first page in a process also fills caches
    with CaptureQueriesContext(connection) as few:
        client.get(ADD)
    for number in range(20):
        account = Account.objects.create(organization=organization, name=f"Line {number}", number=str(number))
        add_procedures(account, supervisor, f"{number}.md")

    with django_assert_num_queries(len(few)):
        response = client.get(ADD)

    assert "Line 19 (19) · procedures 19.md" in response.content.decode()


def test_text_fields_show_limits_without_maxlength(supervisor):
    body = client_of(supervisor).get(ADD).content.decode()

    areas = {re.search('name="([^"]+)"', tag)[1]: tag for tag in re.findall("<textarea[^>]+>", body)}
    # Leave out the parts of a check: they are short, and their errors appear beside them.
    areas = {name: tag for name, tag in areas.items() if not name.startswith("checks-")}
    assert {name: re.search('data-limit="([0-9]+)"', tag)[1] for name, tag in areas.items()} == {
        "description": "1000",
        "prompt": "10000",
        "evaluator_context": "50000",
        "relevant_policy_sections": "2000",
    }
    assert [tag for tag in areas.values() if "maxlength" in tag] == []
    assert "At most 10,000 characters." in body


def test_trial_links_start_with_mode_of_scenario(supervisor, chat_scenario, phone_scenario):
    client = client_of(supervisor)

    tools = {
        scenario: re.findall('class="trial" href="([^"]+)"', client.get(change_url(scenario)).content.decode())
        for scenario in (chat_scenario, phone_scenario)
    }

    assert tools == {
        chat_scenario: [f"/training/{channel}/trial/{chat_scenario.pk}/" for channel in ("chat", "voice")],
        phone_scenario: [f"/training/{channel}/trial/{phone_scenario.pk}/" for channel in ("voice", "chat")],
    }


def test_delete_page_refuses_assigned_scenario(supervisor, chat_assignment, chat_scenario):
    path = f"/admin/scenarios/scenario/{chat_scenario.pk}/delete/"

    for response in (client_of(supervisor).get(path), client_of(supervisor).post(path, {"post": "yes"})):
        body = response.content.decode()
        assert "Writing from the train</a> (1 assignment)<" in body
        assert "Make it inactive instead" in body
    assert Scenario.objects.filter(pk=chat_scenario.pk).exists()


def test_trainer_cannot_delete(trainer, chat_scenario):
    assert client_of(trainer).post(f"/admin/scenarios/scenario/{chat_scenario.pk}/delete/").status_code == 403


def test_unused_scenario_is_deleted(supervisor, chat_scenario):
    response = client_of(supervisor).post(f"/admin/scenarios/scenario/{chat_scenario.pk}/delete/", {"post": "yes"})

    assert response.status_code == 302
    assert Scenario.objects.count() == 0
