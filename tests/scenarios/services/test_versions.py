import pytest

from scenarios.models import Scenario, ScenarioVersion
from scenarios.services.evaluator_contexts import write_evaluator_context
from scenarios.services.versions import snapshot_scenario
from tests.support.fixtures import add_scenario

pytestmark = pytest.mark.both_databases


def version_of(scenario: Scenario) -> ScenarioVersion:
    """Return the version that a session started now would play."""
    scenario.refresh_from_db()
    return snapshot_scenario(scenario, scenario.evaluator_context)


@pytest.fixture
def scenario(organization) -> Scenario:
    return add_scenario(organization, "Writing from the train")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Another"),
        ("description", "Another"),
        ("prompt", "Another"),
        ("difficulty", "expert"),
        ("relevant_policy_sections", "3010"),
        ("opens", "counselor"),
        ("patience", "patient"),
    ],
)
def test_snapshot_creates_version_only_after_change(scenario, field, value):
    first = version_of(scenario)
    assert version_of(scenario) == first

    Scenario.objects.update(**{field: value})

    second = version_of(scenario)
    assert (first.number, second.number) == (1, 2)
    assert getattr(second, field) == value
    assert second.organization_id == scenario.organization_id


def test_snapshot_creates_version_after_context_or_account_change(scenario, account):
    version_of(scenario)
    write_evaluator_context(scenario, "- one")
    second = version_of(scenario)
    Scenario.objects.update(account=account)
    third = version_of(scenario)

    assert (second.number, second.evaluator_context, third.number, third.account) == (2, "- one", 3, account)


def test_snapshot_creates_version_for_restored_text(scenario):
    for prompt in ("a", "b", "a"):
        Scenario.objects.update(prompt=prompt)
        newest = version_of(scenario)

    assert (newest.number, ScenarioVersion.objects.count()) == (3, 3)


@pytest.mark.parametrize("opens", ["", "caller", "counselor"])
def test_version_copies_opener_of_scenario(organization, opens):
    assert version_of(add_scenario(organization, "One", opens=opens)).opens == opens


def test_version_is_immutable_and_outlives_scenario(scenario):
    version = version_of(scenario)

    with pytest.raises(TypeError):
        version.save()
    scenario.delete()

    version.refresh_from_db()
    assert (version.scenario, version.title) == (None, "Writing from the train")
