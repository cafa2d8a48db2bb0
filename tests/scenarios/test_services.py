import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import transaction

from scenarios.models import Scenario, ScenarioVersion
from scenarios.services import CONTEXT_LIMIT, promote, snapshot, write_evaluator_context
from tests.people import add_scenario


def version_of(scenario: Scenario) -> ScenarioVersion:
    """The version that a session begun now would play."""
    scenario.refresh_from_db()
    return snapshot(scenario, scenario.evaluator_context)


@pytest.fixture
def scenario(organization) -> Scenario:
    return add_scenario(organization, "Writing from the train")


def test_the_evaluator_context_is_a_text_file_in_the_default_storage(scenario):
    write_evaluator_context(scenario, "- Fragt nach: Was ist los? Äöü")

    key = scenario.evaluator_context_file.name
    assert key.startswith(f"evaluator_context/{scenario.pk}/") and key.endswith(".txt")
    with default_storage.open(key) as file:
        assert file.read() == "- Fragt nach: Was ist los? Äöü".encode()
    assert Scenario.objects.get().evaluator_context == "- Fragt nach: Was ist los? Äöü"


def test_a_new_text_is_a_new_file_and_the_old_one_goes_after_the_commit(scenario, django_capture_on_commit_callbacks):
    write_evaluator_context(scenario, "- one")
    old = scenario.evaluator_context_file.name

    with django_capture_on_commit_callbacks(execute=True):
        write_evaluator_context(scenario, "- two")
        assert default_storage.exists(old)

    assert Scenario.objects.get().evaluator_context == "- two"
    assert not default_storage.exists(old)


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_the_old_text(scenario):
    write_evaluator_context(scenario, "- one")

    with pytest.raises(RuntimeError), transaction.atomic():
        write_evaluator_context(Scenario.objects.get(), "- two")
        raise RuntimeError

    assert Scenario.objects.get().evaluator_context == "- one"


def test_the_same_text_writes_nothing_and_no_text_removes_the_file(scenario, django_capture_on_commit_callbacks):
    write_evaluator_context(scenario, "- one")
    key = scenario.evaluator_context_file.name

    write_evaluator_context(scenario, "- one")
    assert scenario.evaluator_context_file.name == key
    with django_capture_on_commit_callbacks(execute=True):
        write_evaluator_context(scenario, "")

    assert Scenario.objects.get().evaluator_context == ""
    assert not default_storage.exists(key)


def test_a_text_over_its_limit_is_refused(scenario):
    write_evaluator_context(scenario, "x" * CONTEXT_LIMIT)

    with pytest.raises(ValidationError, match="50,001 characters; at most 50,000"):
        write_evaluator_context(scenario, "x" * (CONTEXT_LIMIT + 1))

    assert len(Scenario.objects.get().evaluator_context) == CONTEXT_LIMIT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Another"),
        ("description", "Another"),
        ("prompt", "Another"),
        ("difficulty", "expert"),
        ("relevant_policy_sections", "3010"),
        ("opens", "counselor"),
    ],
)
def test_a_version_is_made_on_changed_text_only(scenario, field, value):
    first = version_of(scenario)
    assert version_of(scenario) == first

    Scenario.objects.update(**{field: value})

    second = version_of(scenario)
    assert (first.number, second.number) == (1, 2)
    assert getattr(second, field) == value
    assert second.organization_id == scenario.organization_id


def test_a_changed_context_or_account_makes_a_version(scenario, account):
    version_of(scenario)
    write_evaluator_context(scenario, "- one")
    second = version_of(scenario)
    Scenario.objects.update(account=account)
    third = version_of(scenario)

    assert (second.number, second.evaluator_context, third.number, third.account) == (2, "- one", 3, account)


def test_going_back_to_an_old_text_is_a_new_version(scenario):
    for prompt in ("a", "b", "a"):
        Scenario.objects.update(prompt=prompt)
        newest = version_of(scenario)

    assert (newest.number, ScenarioVersion.objects.count()) == (3, 3)


@pytest.mark.parametrize(("mode", "opens"), [("chat", "caller"), ("phone", "counselor")])
def test_who_opens_is_decided_by_the_mode_where_nobody_said(organization, mode, opens):
    assert version_of(add_scenario(organization, "One", mode)).opens == opens


def test_a_version_is_never_changed_and_outlives_its_scenario(scenario):
    version = version_of(scenario)

    with pytest.raises(TypeError):
        version.save()
    scenario.delete()

    version.refresh_from_db()
    assert (version.scenario, version.title) == (None, "Writing from the train")


def test_promoting_takes_into_the_library(scenario, counselor):
    Scenario.objects.update(is_one_time=True)
    assert not Scenario.objects.playable_by(counselor).exists()

    promote(scenario)

    assert Scenario.objects.playable_by(counselor).get() == scenario
