import pytest

from scenarios.models import Scenario, Skill
from scenarios.services.contexts import write_evaluator_context
from tests.people import add_scenario, client_of
from tests.scenarios.test_versions import version_of

FIELDS = {
    "title": "Night shift",
    "description": "Practise opening.",
    "mode": "phone",
    "difficulty": "beginner",
    "estimated_minutes": "10",
    "prompt": "You are Dana.\r\nYou are tired.",
    "opens": "",
    "evaluator_context": "- Names the loneliness.\r\n- Asks directly.",
    "relevant_policy_sections": "3010\r\n2020",
    "is_active": "on",
}


def change(scenario: Scenario) -> str:
    return f"/admin/scenarios/scenario/{scenario.pk}/change/"


def test_a_scenario_is_written_with_its_context_file(supervisor):
    response = client_of(supervisor).post("/admin/scenarios/scenario/add/", FIELDS)

    assert response.status_code == 302
    scenario = Scenario.objects.get()
    assert (scenario.organization, scenario.created_by) == (supervisor.organization, supervisor)
    assert scenario.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert scenario.prompt == "You are Dana.\nYou are tired."


def test_an_edit_is_what_the_next_version_holds(supervisor, organization):
    client_of(supervisor).post("/admin/scenarios/scenario/add/", FIELDS)
    scenario = Scenario.objects.get()
    before = version_of(scenario)

    client_of(supervisor).post(change(scenario), FIELDS | {"evaluator_context": "- Waits."})

    after = version_of(scenario)
    assert (before.number, before.evaluator_context) == (1, "- Names the loneliness.\n- Asks directly.")
    assert (after.number, after.evaluator_context) == (2, "- Waits.")


def test_saving_a_form_as_it_stands_changes_nothing(supervisor, organization):
    """A browser sends every line's end as two characters."""
    texts = {"prompt": "a\nb", "description": "c\nd", "relevant_policy_sections": "e\nf"}
    scenario = add_scenario(organization, "Night shift", "phone", **texts)
    write_evaluator_context(scenario, "- one\n- two")
    version = version_of(scenario)
    form = client_of(supervisor).get(change(scenario)).context["adminform"].form
    shown = {name: value for name in form.fields if (value := form[name].value())} | {"is_active": "on"}
    sent = {name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in shown.items()}

    response = client_of(supervisor).post(change(scenario), sent)

    assert response.status_code == 302, response.context["errors"]
    assert version_of(scenario) == version


def test_the_longest_context_fits_whatever_its_line_ends_are(supervisor):
    longest = ("- a point\n" * 5000)[:-1]

    response = client_of(supervisor).post(
        "/admin/scenarios/scenario/add/", FIELDS | {"evaluator_context": longest.replace("\n", "\r\n")}
    )

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
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(supervisor, field, value):
    response = client_of(supervisor).post("/admin/scenarios/scenario/add/", FIELDS | {field: value})

    assert response.context["adminform"].form.errors.keys() == {field}
    assert Scenario.objects.count() == 0


def test_at_most_ten_skills(supervisor, organization):
    skills = [str(skill.pk) for skill in Skill.objects.filter(organization=organization)[:11]]
    client = client_of(supervisor)

    refused = client.post("/admin/scenarios/scenario/add/", FIELDS | {"skills": skills})
    assert refused.context["adminform"].form.errors == {"skills": ["At most 10 skills; you chose 11."]}

    client.post("/admin/scenarios/scenario/add/", FIELDS | {"skills": skills[:10]})
    assert Scenario.objects.get().skills.count() == 10


def test_the_mode_of_an_assigned_scenario_is_not_offered(supervisor, chat_assignment, chat_scenario):
    client = client_of(supervisor)

    response = client.post(change(chat_scenario), FIELDS | {"mode": "phone"})

    chat_scenario.refresh_from_db()
    assert response.status_code == 302
    assert (chat_scenario.mode, chat_scenario.title) == ("chat", "Night shift")


def test_deleting_spares_what_is_assigned(supervisor, chat_assignment, chat_scenario, organization):
    client = client_of(supervisor)
    unused = add_scenario(organization, "Unused")
    action = {"action": "delete_selected", "post": "yes"}

    client.post("/admin/scenarios/scenario/", action | {"_selected_action": [str(chat_scenario.pk)]})
    assert client.get(f"/admin/scenarios/scenario/{chat_scenario.pk}/delete/").status_code == 403
    client.post("/admin/scenarios/scenario/", action | {"_selected_action": [str(unused.pk)]})

    assert list(Scenario.objects.all()) == [chat_scenario]


def test_promoting_one_time_scenarios(supervisor, organization):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)

    response = client_of(supervisor).post(
        "/admin/scenarios/scenario/",
        {"action": "promote_to_library", "_selected_action": [str(scenario.pk)]},
        follow=True,
    )

    scenario.refresh_from_db()
    assert scenario.is_one_time is False
    assert "1 in the library" in response.content.decode()
