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
from training.services.sessions import start_free_practice, start_trial

pytestmark = pytest.mark.both_databases

FIELDS = {"title": "Night shift", "prompt": "You are Dana.", "mode": "chat"}


@pytest.fixture
def skills(organization) -> list[Skill]:
    return list(organization.skills.all())


def folders() -> set[str]:
    return set(default_storage.listdir(CONTEXT_FOLDER)[0]) if default_storage.exists(CONTEXT_FOLDER) else set()


def test_a_scenario_is_created_whole(organization, supervisor, skills, account):
    scenario, said = create_scenario(
        organization, supervisor, FIELDS | {"account": account}, "- one", skills[:2], lambda made: made.title
    )

    kept = Scenario.objects.get()
    assert (kept, said) == (scenario, "Night shift")
    assert (kept.organization, kept.created_by, kept.account) == (organization, supervisor, account)
    assert (kept.evaluator_context, list(kept.skills.all())) == ("- one", skills[:2])
    assert (kept.estimated_minutes, kept.difficulty) == (15, "intermediate")


@pytest.mark.parametrize(
    ("wrong", "field"),
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
def test_what_is_wrong_is_named_and_nothing_is_kept(organization, supervisor, wrong, field):
    before = folders()

    with pytest.raises(ValidationError) as refused:
        create_scenario(organization, supervisor, FIELDS | wrong, "- one")

    assert list(refused.value.message_dict) == [field]
    assert (Scenario.objects.count(), folders()) == (0, before)


def test_an_account_of_another_organization_is_refused(other_organization, stranger, account):
    with pytest.raises(ValidationError) as refused:
        create_scenario(other_organization, stranger, FIELDS | {"account": account})

    assert refused.value.message_dict == {"account": ["This account belongs to another organization."]}


def test_a_category_of_another_organization_is_refused(organization, other_organization, supervisor):
    theirs = other_organization.categories.first()

    with pytest.raises(ValidationError) as refused:
        create_scenario(organization, supervisor, FIELDS | {"category": theirs})

    assert refused.value.message_dict == {"category": ["This category belongs to another organization."]}


def test_a_change_of_another_field_leaves_a_key_that_was_renamed_meanwhile(organization, supervisor):
    scenario, _ = create_scenario(organization, supervisor, FIELDS)
    update_scenario(Scenario.objects.get(), {"title": "Morning"})

    update_scenario(scenario, {"description": "new"})

    kept = Scenario.objects.get()
    assert (kept.title, kept.title_key, kept.description) == ("Morning", title_key("Morning"), "new")


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_what_is_done_with_it_keeps_neither_row_nor_file(organization, supervisor):
    def fail(scenario: Scenario) -> None:
        raise RuntimeError

    before = folders()
    with pytest.raises(RuntimeError):
        create_scenario(organization, supervisor, FIELDS, "- one", within=fail)

    left = {name for name in folders() - before if default_storage.listdir(f"{CONTEXT_FOLDER}/{name}")[1]}
    assert (Scenario.objects.count(), left) == (0, set())


def test_an_update_changes_what_is_named(organization, supervisor, skills):
    scenario, _ = create_scenario(organization, supervisor, FIELDS, "- one", skills[:1])

    update_scenario(scenario, {"title": "  Morning", "description": "new"}, "- two", skills[1:3])

    kept = Scenario.objects.get()
    assert (kept.title, kept.description, kept.prompt) == ("  Morning", "new", "You are Dana.")
    assert kept.title_key == title_key("morning")
    assert (kept.evaluator_context, list(kept.skills.all())) == ("- two", skills[1:3])


def test_an_update_without_a_text_leaves_the_text(organization, supervisor, skills):
    scenario, _ = create_scenario(organization, supervisor, FIELDS, "- one", skills[:1])
    key = scenario.evaluator_context_file.name

    update_scenario(scenario, {"title": "Morning"})

    kept = Scenario.objects.get()
    assert (kept.evaluator_context_file.name, kept.skills.count()) == (key, 1)


def test_at_most_ten_skills(organization, supervisor, skills):
    with pytest.raises(ValidationError, match="Choose at most 10 skills. You chose 11"):
        create_scenario(organization, supervisor, FIELDS, "", skills[:11])

    assert Scenario.objects.count() == 0


def test_what_is_assigned_is_not_deleted(chat_assignment, chat_scenario):
    with pytest.raises(ScenarioInUseError, match="has 1 assignment, so it can’t be deleted") as refused:
        delete_scenario(chat_scenario)

    assert refused.value.assignments == 1
    assert Scenario.objects.get() == chat_scenario


def test_promoting_takes_into_the_library(organization, counselor):
    scenario = add_scenario(organization, "Made for one", is_one_time=True)
    assert not Scenario.objects.playable_by(counselor).exists()

    promote_scenario(scenario)

    assert Scenario.objects.playable_by(counselor).get() == scenario


def test_demoting_takes_what_is_unused_out_of_the_library(organization, counselor, supervisor):
    scenario = add_scenario(organization, "Made for all")
    start_trial(supervisor, scenario, "chat")

    demote_scenario(scenario)

    assert list(Scenario.objects.unused()) == [scenario]

    assert not Scenario.objects.playable_by(counselor).exists()


def test_what_was_given_or_practised_stays_in_the_library(
    chat_assignment, chat_scenario, phone_scenario, counselor, supervisor
):
    start_free_practice(counselor, "phone", phone_scenario)
    start_trial(supervisor, phone_scenario, "chat")

    for scenario in (chat_scenario, phone_scenario):
        with pytest.raises(ScenarioInUseError):
            demote_scenario(scenario)

    assert Scenario.objects.library().count() == 2


@pytest.mark.parametrize(
    "other",
    [
        "  night SHIFT ",
        "NIGHT SHIFT",
        "\u00a0Night shift\u2003",
    ],
)
def test_titles_are_compared_trimmed_and_folded(other):
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
def test_titles_are_compared_by_their_canonical_form(one, other, same):
    assert (title_key(one) == title_key(other)) is same
