import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.models import Account, Organization
from scenarios.models import Category, Scenario, Skill
from scenarios.receivers import DEFAULT_CATEGORIES, DEFAULT_SKILLS
from tests.support.fixtures import add_scenario

pytestmark = pytest.mark.both_databases


def test_new_organization_gets_default_categories_and_skills(organization, other_organization):
    for center in (organization, other_organization):
        assert {category.name for category in center.categories.all()} == set(DEFAULT_CATEGORIES)
        assert {skill.name for skill in center.skills.all()} == set(DEFAULT_SKILLS)

    organization.save()

    assert Category.objects.count() == 2 * len(DEFAULT_CATEGORIES)


def test_category_and_skill_names_are_unique_per_organization(organization):
    for model, name in ((Category, DEFAULT_CATEGORIES[0]), (Skill, DEFAULT_SKILLS[0])):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(organization=organization, name=name)


def test_for_user_hides_scenarios_from_counselors_and_strangers(
    chat_scenario, counselor, supervisor, trainer, stranger
):
    assert list(Scenario.objects.for_user(counselor)) == []
    assert list(Scenario.objects.for_user(supervisor)) == list(Scenario.objects.for_user(trainer)) == [chat_scenario]
    assert list(Scenario.objects.for_user(stranger)) == []


@pytest.mark.parametrize("minutes", [4, 121])
def test_estimated_minutes_outside_limits_are_rejected(organization, minutes):
    with pytest.raises(ValidationError):
        add_scenario(organization, "One", estimated_minutes=5).__class__(
            organization=organization, title="x", prompt="x", estimated_minutes=minutes
        ).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        add_scenario(organization, "Two", estimated_minutes=minutes)


@pytest.mark.parametrize(
    ("field", "longest"),
    [("title", 255), ("description", 1000), ("prompt", 10_000), ("relevant_policy_sections", 2000)],
)
def test_texts_over_their_limit_are_rejected(organization, field, longest):
    scenario = Scenario(organization=organization, title="t", prompt="p")
    setattr(scenario, field, "x" * longest)
    scenario.full_clean()

    setattr(scenario, field, "x" * (longest + 1))

    with pytest.raises(ValidationError):
        scenario.full_clean()


def test_account_of_another_organization_is_rejected(organization, other_organization):
    theirs = Account.objects.create(organization=other_organization, name="Theirs")

    with pytest.raises(ValidationError, match="another organization"):
        Scenario(organization=organization, title="t", prompt="p", account=theirs).full_clean()


def test_mode_is_locked_after_assignment(chat_assignment, chat_scenario):
    chat_scenario.mode = "phone"

    with pytest.raises(ValidationError, match="The mode is locked"):
        chat_scenario.full_clean()


def test_assigned_scenario_cannot_be_deleted(chat_assignment, chat_scenario):
    with pytest.raises(ProtectedError):
        chat_scenario.delete()


def test_organization_with_users_cannot_be_deleted(counselor):
    with pytest.raises(ProtectedError):
        Organization.objects.all().delete()
