"""The problems reported for each row of a pack before anything is written."""

import pytest

from accounts.models import Account
from scenarios.models import ImportJob, Scenario
from scenarios.services.evaluator_contexts import CONTEXT_LIMIT
from tests.scenarios.import_factories import list_outcomes, list_problems, make_row, stage_test_import
from tests.support.fixtures import add_scenario


def test_new_row_is_staged_and_library_is_unchanged(organization, supervisor):
    job = stage_test_import(organization, make_row(mode="chat"), by=supervisor)

    assert (job.status, job.total, job.to_write, job.invalid) == (ImportJob.Status.CHECKED, 1, 1, 0)
    found = job.rows.get()
    assert (found.outcome, found.title, found.number, found.line) == ("new", "Night shift", 1, 1)
    assert not Scenario.objects.exists()


@pytest.mark.parametrize(
    ("existing", "title"),
    [
        ("Night shift", "  NIGHT shift\u00a0\t"),
        ("Café at four", "Cafe\u0301 AT FOUR"),
        ("Straße", "STRASSE"),
        ("İzmir", "i\u0307zmir"),
        ("\u1e9b\u0323", "\u1e69"),
    ],
)
def test_equivalent_titles_are_duplicates(organization, existing, title):
    add_scenario(organization, existing)

    job = stage_test_import(organization, make_row(title), make_row("Another"), make_row(f" {title.strip().upper()}"))

    assert list_outcomes(job) == ["duplicate", "new", "duplicate"]
    assert job.to_write == 1


@pytest.mark.parametrize(("existing", "title"), [("İzmir", "izmir"), ("Night shift", "Night  shift"), ("\u0131", "i")])
def test_different_titles_are_not_duplicates(organization, existing, title):
    add_scenario(organization, existing)

    assert list_outcomes(stage_test_import(organization, make_row(title))) == ["new"]


def test_repeated_title_names_its_first_row(organization):
    job = stage_test_import(organization, make_row("One"), make_row("Two"), make_row("ONE"))

    assert list_outcomes(job) == ["new", "new", "duplicate"]
    assert list_problems(job) == [("title", "Row 1 of this file has the same title.")]


def test_update_skips_one_time_scenario_with_reason(organization):
    add_scenario(organization, "Made for Sam", is_one_time=True, prompt="You are Dana.")
    rows = [make_row("Made for Sam", is_one_time=True, description="Changed."), make_row("Another", is_one_time=True)]

    job, without_update = (
        stage_test_import(organization, *rows, may_update=True),
        stage_test_import(organization, *rows),
    )

    assert list_outcomes(job) == list_outcomes(without_update) == ["duplicate", "new"]
    assert list_problems(job) == [("is_one_time", "One-time scenarios are not updated.")]
    assert list_problems(without_update) == []


def test_invalid_row_does_not_reserve_its_title(organization):
    job = stage_test_import(organization, make_row(mode="letter"), make_row())

    assert list_outcomes(job) == ["invalid", "new"]


def test_rows_are_checked_only_against_own_organization(organization, other_organization):
    add_scenario(other_organization, "Night shift")
    other_organization.categories.create(name="Theirs")
    Account.objects.create(organization=other_organization, name="Their line", number="900")

    job = stage_test_import(
        organization, make_row(), make_row("One", category="Theirs"), make_row("Two", account="900"), make_row("Three")
    )

    assert list_outcomes(job) == ["new", "invalid", "invalid", "new"]


def test_one_time_scenario_may_share_library_title(organization):
    add_scenario(organization, "Night shift")
    add_scenario(organization, "Made for Sam", is_one_time=True, prompt="You are Dana.")

    job = stage_test_import(
        organization,
        make_row("Night shift", is_one_time=True),
        make_row("Made for Sam"),
        make_row("Made for Sam", is_one_time=True),
        make_row("Made for Sam", is_one_time=True, prompt="You are Walter."),
        make_row("Made for Sam", is_one_time=True, prompt="You are Walter."),
    )

    assert list_outcomes(job) == ["new", "new", "duplicate", "new", "duplicate"]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"title": " "}, "title", "This field cannot be blank."),
        ({"prompt": ""}, "prompt", "This field cannot be blank."),
        ({"title": "x" * 256}, "title", "Ensure this value has at most 255 characters (it has 256)."),
        ({"prompt": "x" * 10_001}, "prompt", "Ensure this value has at most 10000 characters (it has 10001)."),
        ({"mode": "letter"}, "mode", "“letter” is not one of these: phone, chat."),
        ({"difficulty": "hard"}, "difficulty", "“hard” is not one of these: beginner, intermediate, advanced, expert."),
        ({"opens": "both"}, "opens", "“both” is not one of these: caller, counselor."),
        ({"patience": "endless"}, "patience", "“endless” is not one of these: patient, normal, brisk."),
        ({"estimated_minutes": 4}, "estimated_minutes", "Ensure this value is greater than or equal to 5."),
        ({"estimated_minutes": 121}, "estimated_minutes", "Ensure this value is less than or equal to 120."),
        (
            {"evaluator_context": "x" * (CONTEXT_LIMIT + 1)},
            "evaluator_context",
            "The evaluator context has 50,001 characters. The limit is 50,000.",
        ),
        ({"category": "refesher"}, "category", "There is no category “refesher”. Did you mean “Refresher”?"),
        (
            {"category": "cohort"},
            "category",
            "There is no category “cohort”. Available: Advanced, Assessment, Onboarding, Refresher.",
        ),
        (
            {"category": "x" * 101},
            "category",
            "This category name has 101 characters. The limit is 100.",
        ),
        ({"skills": ["greif support"]}, "skills", "There is no skill “greif support”. Did you mean “Grief support”?"),
        ({"skills": ["Grief support"] * 11}, "skills", "A scenario can have at most 10 skills. This row has 11."),
        ({"account": "718"}, "account", "There is no account “718”. Enter its number or name."),
    ],
)
def test_invalid_value_is_reported_with_field(organization, account, values, field, message):
    job = stage_test_import(organization, make_row(**values))

    assert list_outcomes(job) == ["invalid"]
    assert list_problems(job) == [(field, message)]
    assert (job.invalid, job.to_write) == (1, 0)


def test_all_problems_of_row_are_listed(organization):
    job = stage_test_import(organization, {"prompt": 7, "mode": "letter", "difficulty": "hard", "skills": ["nothing"]})

    assert [field for field, _ in list_problems(job)] == ["prompt", "mode", "difficulty", "title", "skills"]


def test_row_that_is_not_an_object_has_one_problem(organization):
    assert [field for field, _ in list_problems(stage_test_import(organization, 7))] == [""]


def test_thousand_unknown_skills_are_one_problem(organization):
    job = stage_test_import(organization, make_row(skills=[f"skill {number}" for number in range(1000)]))

    assert list_problems(job) == [("skills", "A scenario can have at most 10 skills. This row has 1000.")]


def test_long_invalid_value_is_shortened(organization):
    job = stage_test_import(organization, make_row(mode="x" * 10_000, skills=["y" * 10_000], account="z" * 10_000))

    assert [len(message) < 300 for _, message in list_problems(job)] == [True, True, True]


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_choice_means_default(organization, blank):
    job = stage_test_import(organization, make_row(mode=blank, difficulty=blank, category=blank, account=blank))

    assert list_outcomes(job) == ["new"]
    assert job.rows.get().values == make_row(category="", account="")


@pytest.mark.parametrize("name", ["risk_assessment", "Risk-Assessment", " RISK  ASSESSMENT "])
def test_names_match_with_any_separator(organization, name):
    organization.categories.create(name="Risk assessment")

    assert list_outcomes(stage_test_import(organization, make_row(skills=[name], category=name))) == ["new"]


def test_missing_category_is_valid_if_created(organization):
    job = stage_test_import(organization, make_row(category="cohort"), creates_categories=True)

    assert list_outcomes(job) == ["new"]
    assert not organization.categories.filter(name="cohort").exists()


@pytest.mark.parametrize("account_key", ["717", " 717 ", "Harbor State Line", "harbor state line"])
def test_account_matches_number_or_name(organization, account, account_key):
    assert list_outcomes(stage_test_import(organization, make_row(account=account_key))) == ["new"]


def test_ambiguous_account_name_matches_none(organization, account):
    Account.objects.create(organization=organization, name="Harbor State Line", number="718")

    job = stage_test_import(organization, make_row("One", account="Harbor State Line"), make_row("Two", account="718"))

    assert list_outcomes(job) == ["invalid", "new"]


def test_changed_row_is_not_reported_as_duplicate(organization):
    add_scenario(organization, "Night shift", "phone", prompt="You are Dana.")
    add_scenario(organization, "Morning", "phone", prompt="You are Walter.")

    job = stage_test_import(
        organization,
        make_row("NIGHT SHIFT", mode="chat"),
        make_row("Morning", prompt="You are Walter."),
        may_update=True,
    )

    assert list_outcomes(job) == ["changed", "duplicate"]


def test_update_of_ambiguous_title_is_invalid(organization):
    add_scenario(organization, "Night shift", prompt="You are Dana.")
    add_scenario(organization, "Night shift", prompt="You are Walter.")

    job = stage_test_import(organization, make_row(prompt="You are Ines."), make_row("Another"), may_update=True)
    same = stage_test_import(organization, make_row(prompt="You are Walter."), may_update=True)

    assert list_outcomes(job) == ["invalid", "new"]
    assert list_problems(job) == [
        ("title", "2 scenarios have this title, so it isn’t clear which one to update. Rename all but one.")
    ]
    assert list_outcomes(same) == ["duplicate"]


def test_update_of_assigned_scenario_locks_only_mode(organization, chat_assignment, chat_scenario):
    locked = stage_test_import(organization, make_row(chat_scenario.title, mode="phone"), may_update=True)
    free = stage_test_import(organization, make_row(chat_scenario.title, mode="chat"), may_update=True)

    assert list_problems(locked) == [("mode", "The mode is locked because this scenario has been assigned.")]
    assert list_outcomes(free) == ["changed"]
