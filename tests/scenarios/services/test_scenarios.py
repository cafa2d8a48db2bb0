import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage

from scenarios.models import CONTEXT_FOLDER, Scenario, Skill, title_key
from scenarios.services.scenarios import (
    ScenarioInUseError,
    create_scenario,
    delete_scenario,
    demote_scenario,
    promote_scenario,
    update_scenario,
)
from tests.support.fixtures import add_scenario
from training.services.session_start import start_free_practice, start_trial

pytestmark = pytest.mark.both_databases

FIELDS = {"title": "Night shift", "prompt": "You are Dana.", "mode": "chat"}


@pytest.fixture
def skills(organization) -> list[Skill]:
    return list(organization.skills.all())


def context_folders() -> set[str]:
    return set(default_storage.listdir(CONTEXT_FOLDER)[0]) if default_storage.exists(CONTEXT_FOLDER) else set()


def test_create_scenario_stores_every_field(organization, supervisor, skills, account):
    scenario, result = create_scenario(
        organization, supervisor, FIELDS | {"account": account}, "- one", skills[:2], lambda created: created.title
    )

    stored = Scenario.objects.get()
    assert (stored, result) == (scenario, "Night shift")
    assert (stored.organization, stored.created_by, stored.account) == (organization, supervisor, account)
    assert (stored.evaluator_context, list(stored.skills.all())) == ("- one", skills[:2])
    assert (stored.estimated_minutes, stored.difficulty) == (15, "intermediate")


@pytest.mark.parametrize(
    ("invalid", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"prompt": "x" * 10_001}, "prompt"),
        ({"prompt": " \n\t"}, "prompt"),
        ({"description": "x" * 1001}, "description"),
        ({"estimated_minutes": 4}, "estimated_minutes"),
        ({"estimated_minutes": 121}, "estimated_minutes"),
        ({"mode": "letter"}, "mode"),
    ],
)
def test_create_scenario_with_invalid_fields_saves_nothing(organization, supervisor, invalid, field):
    before = context_folders()

    with pytest.raises(ValidationError) as error:
        create_scenario(organization, supervisor, FIELDS | invalid, "- one")

    assert list(error.value.message_dict) == [field]
    assert (Scenario.objects.count(), context_folders()) == (0, before)


def test_create_scenario_rejects_account_of_another_organization(other_organization, stranger, account):
    with pytest.raises(ValidationError) as error:
        create_scenario(other_organization, stranger, FIELDS | {"account": account})

    assert error.value.message_dict == {"account": ["This account belongs to another organization."]}


def test_create_scenario_rejects_category_of_another_organization(organization, other_organization, supervisor):
    theirs = other_organization.categories.first()

    with pytest.raises(ValidationError) as error:
        create_scenario(organization, supervisor, FIELDS | {"category": theirs})

    assert error.value.message_dict == {"category": ["This category belongs to another organization."]}


def test_update_scenario_keeps_title_key_of_concurrent_rename(organization, supervisor):
    scenario, _ = create_scenario(organization, supervisor, FIELDS)
    update_scenario(Scenario.objects.get(), {"title": "Morning"})

    update_scenario(scenario, {"description": "new"})

    stored = Scenario.objects.get()
    assert (stored.title, stored.title_key, stored.description) == ("Morning", title_key("Morning"), "new")


@pytest.mark.django_db(transaction=True)
def test_create_scenario_rolls_back_if_callback_fails(organization, supervisor):
    def fail(scenario: Scenario) -> None:
        raise RuntimeError

    before = context_folders()
    with pytest.raises(RuntimeError):
        create_scenario(organization, supervisor, FIELDS, "- one", within=fail)

    leftovers = {name for name in context_folders() - before if default_storage.listdir(f"{CONTEXT_FOLDER}/{name}")[1]}
    assert (Scenario.objects.count(), leftovers) == (0, set())


def test_update_scenario_changes_given_fields(organization, supervisor, skills):
    scenario, _ = create_scenario(organization, supervisor, FIELDS, "- one", skills[:1])

    update_scenario(scenario, {"title": "  Morning", "description": "new"}, "- two", skills[1:3])

    stored = Scenario.objects.get()
    assert (stored.title, stored.description, stored.prompt) == ("  Morning", "new", "You are Dana.")
    assert stored.title_key == title_key("morning")
    assert (stored.evaluator_context, list(stored.skills.all())) == ("- two", skills[1:3])


def test_update_scenario_without_context_keeps_it(organization, supervisor, skills):
    scenario, _ = create_scenario(organization, supervisor, FIELDS, "- one", skills[:1])
    key = scenario.evaluator_context_file.name

    update_scenario(scenario, {"title": "Morning"})

    stored = Scenario.objects.get()
    assert (stored.evaluator_context_file.name, stored.skills.count()) == (key, 1)


def test_create_scenario_rejects_eleven_skills(organization, supervisor, skills):
    with pytest.raises(ValidationError, match="Choose at most 10 skills. You chose 11"):
        create_scenario(organization, supervisor, FIELDS, "", skills[:11])

    assert Scenario.objects.count() == 0


def test_delete_scenario_refuses_assigned_scenario(chat_assignment, chat_scenario):
    with pytest.raises(ScenarioInUseError, match="has 1 assignment, so it can’t be deleted") as error:
        delete_scenario(chat_scenario)

    assert error.value.assignments == 1
    assert Scenario.objects.get() == chat_scenario


def test_promote_scenario_adds_to_library(organization, counselor, supervisor):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)
    assert not Scenario.objects.playable_by(counselor).exists()

    promote_scenario(scenario, supervisor)

    assert Scenario.objects.playable_by(counselor).get() == scenario


def test_demote_scenario_removes_unused_from_library(organization, counselor, supervisor):
    scenario = add_scenario(organization, "Made for all")
    start_trial(supervisor, scenario, "chat")

    demote_scenario(scenario, supervisor)

    assert list(Scenario.objects.unused()) == [scenario]

    assert not Scenario.objects.playable_by(counselor).exists()


def test_demote_scenario_refuses_used_scenario(chat_assignment, chat_scenario, phone_scenario, counselor, supervisor):
    start_free_practice(counselor, "phone", phone_scenario)
    start_trial(supervisor, phone_scenario, "chat")

    for scenario in (chat_scenario, phone_scenario):
        with pytest.raises(ScenarioInUseError):
            demote_scenario(scenario, supervisor)

    assert Scenario.objects.library().count() == 2


@pytest.mark.parametrize(
    "other",
    [
        "  night SHIFT ",
        "NIGHT SHIFT",
        "\u00a0Night shift\u2003",
    ],
)
def test_title_key_ignores_case_and_surrounding_space(other):
    assert title_key(other) == title_key("Night shift")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Caf\u00e9", "Cafe\u0301", True),
        ("STRASSE", "stra\u00dfe", True),
        ("\u1e9b\u0323", "\u017f\u0323\u0307", True),
        ("Night  shift", "Night shift", False),
        ("Cafe", "Caf\u00e9", False),
    ],
)
def test_title_key_normalizes_unicode(one, other, same):
    assert (title_key(one) == title_key(other)) is same
