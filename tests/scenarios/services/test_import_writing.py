"""Tests of writing checked rows as scenarios: complete, exactly once, and only in one organization."""

import pytest
from django.core.files.storage import default_storage, storages
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from scenarios.models import ImportJob, Scenario
from scenarios.services.import_writing import write_import
from tests.scenarios.import_factories import (
    FailingStorage,
    list_outcomes,
    list_problems,
    make_row,
    make_rows,
    run_before_query,
    run_test_import,
    start_test_import,
)
from tests.support.fixtures import add_scenario, run_concurrently
from tests.support.store_owner import mark_store
from training.services.assignments import assign

pytestmark = pytest.mark.both_databases

FULL_ROW = make_row(
    description="Practise opening.",
    evaluator_context="- Names the loneliness.\n- Asks directly.",
    mode="chat",
    category="advanced",
    difficulty="expert",
    estimated_minutes=30,
    skills=["grief_support", "Call routing"],
    account="717",
    opens="counselor",
    relevant_policy_sections="3010",
    is_active=False,
)


@pytest.fixture
def own_storage(settings, tmp_path):
    """Store files in this test's own folder and return it, for tests that count files."""
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "tests.scenarios.import_factories.FailingStorage", "OPTIONS": {"location": tmp_path}}
    }
    mark_store(storages["default"])
    FailingStorage.remaining_saves = 10_000
    return tmp_path


def count_files(folder) -> int:
    return sum(1 for path in folder.rglob("*.txt"))


def scenario_values(scenario: Scenario) -> dict:
    plain = [
        *("title", "prompt", "description", "mode", "difficulty", "estimated_minutes", "opens"),
        *("relevant_policy_sections", "is_one_time", "is_active", "evaluator_context"),
    ]
    return {name: getattr(scenario, name) for name in plain} | {
        "category": scenario.category and scenario.category.name,
        "account": scenario.account and scenario.account.number,
        "skills": sorted(skill.name for skill in scenario.skills.all()),
    }


def test_full_row_creates_full_scenario(organization, supervisor, account):
    job = run_test_import(organization, FULL_ROW, by=supervisor)

    assert (job.status, job.written, list_outcomes(job)) == (ImportJob.Status.COMPLETED, 1, ["created"])
    scenario = Scenario.objects.get()
    assert (scenario.organization, scenario.created_by, scenario.pk) == (organization, supervisor, job.rows.get().pk)
    assert scenario_values(scenario) == FULL_ROW | {
        "category": "Advanced",
        "skills": ["Call routing", "Grief support"],
        "is_one_time": False,
    }
    assert job.rows.get().values == {}


def test_short_row_creates_scenario_with_defaults(organization):
    run_test_import(organization, make_row())

    assert scenario_values(Scenario.objects.get()) == make_row() | {
        "description": "",
        "evaluator_context": "",
        "mode": "phone",
        "category": None,
        "difficulty": "intermediate",
        "estimated_minutes": 15,
        "skills": [],
        "account": None,
        "opens": "",
        "relevant_policy_sections": "",
        "is_one_time": False,
        "is_active": True,
    }


def test_chosen_account_applies_to_rows_without_account(organization, account):
    other = Account.objects.create(organization=organization, name="Insurer", number="800")

    run_test_import(
        organization, make_row("One"), make_row("Two", account="717"), make_row("Three", account=""), account=other
    )

    assert dict(Scenario.objects.values_list("title", "account__number")) == {
        "One": "800",
        "Two": "717",
        "Three": None,
    }


def test_missing_categories_are_created_once_on_request(organization, other_organization):
    rows = [
        make_row("One", category="cohort_a"),
        make_row("Two", category=" Cohort A "),
        make_row("Three", category="advanced"),
    ]

    run_test_import(organization, *rows, creates_categories=True)

    assert list(Scenario.objects.order_by("title").values_list("category__name", flat=True)) == [
        "cohort_a",
        "Advanced",
        "cohort_a",
    ]
    assert (organization.categories.count(), other_organization.categories.count()) == (5, 4)


def test_partial_import_skips_invalid_rows(organization):
    job = run_test_import(
        organization, make_row("One"), make_row("Two", mode="letter"), make_row("Three"), is_partial=True
    )

    assert list_outcomes(job) == ["created", "invalid", "created"]
    assert list(Scenario.objects.order_by("title").values_list("title", flat=True)) == ["One", "Three"]


def test_update_changes_only_columns_of_row(organization, account, supervisor):
    run_test_import(organization, FULL_ROW, by=supervisor)
    before = Scenario.objects.get()
    old_key = before.evaluator_context_file.name

    job = run_test_import(
        organization,
        make_row("NIGHT shift", prompt="You are Walter.", skills=["Termination"], evaluator_context="- Waits."),
        may_update=True,
    )

    after = Scenario.objects.get()
    assert list_outcomes(job) == ["updated"]
    assert scenario_values(after) == scenario_values(before) | {
        "title": "NIGHT shift",
        "prompt": "You are Walter.",
        "skills": ["Termination"],
        "evaluator_context": "- Waits.",
    }
    assert (after.pk, after.created_by, after.updated_at > before.updated_at) == (before.pk, supervisor, True)
    assert after.evaluator_context_file.name != old_key


def test_update_creates_new_category(organization):
    add_scenario(organization, "Night shift", "phone", prompt="You are Dana.")

    run_test_import(organization, make_row(category="cohort"), may_update=True, creates_categories=True)

    assert Scenario.objects.get().category.name == "cohort"


def test_update_clears_fields_that_are_empty_in_row(organization, account):
    run_test_import(organization, FULL_ROW)

    run_test_import(
        organization, make_row(category="", account="", skills=[], evaluator_context="", opens=""), may_update=True
    )

    changed = scenario_values(Scenario.objects.get())
    assert [changed[name] for name in ("category", "account", "skills", "evaluator_context", "opens")] == [
        None,
        None,
        [],
        "",
        "",
    ]
    assert changed["description"] == FULL_ROW["description"]


def test_unchanged_scenario_is_not_written(organization, account):
    run_test_import(organization, FULL_ROW, make_row("Another"))
    before = dict(Scenario.objects.values_list("pk", "updated_at"))

    job = run_test_import(organization, FULL_ROW, make_row("Another", prompt="You are Ines."), may_update=True)

    assert list_outcomes(job) == ["duplicate", "updated"]
    changed = [pk for pk, updated_at in Scenario.objects.values_list("pk", "updated_at") if before[pk] != updated_at]
    assert changed == [Scenario.objects.get(title="Another").pk]


@pytest.mark.django_db(transaction=True)
def test_update_deletes_old_context_file(organization, own_storage):
    run_test_import(organization, make_row(evaluator_context="- One."))

    run_test_import(organization, make_row(evaluator_context="- Two."), may_update=True)

    assert Scenario.objects.get().evaluator_context == "- Two."
    assert count_files(own_storage) == 1


def test_import_leaves_other_organizations_unchanged(organization, other_organization):
    run_test_import(organization, make_row(prompt="You are Dana."))
    theirs = Scenario.objects.get()

    run_test_import(other_organization, make_row(prompt="You are Walter."), may_update=True)

    theirs.refresh_from_db()
    assert theirs.prompt == "You are Dana."
    assert Scenario.objects.get(organization=other_organization).prompt == "You are Walter."


# ---- Changes by others between check and write


def test_row_whose_title_was_taken_meanwhile_is_duplicate(organization, own_storage):
    job = start_test_import(organization, make_row("One", evaluator_context="- Waits."), make_row("Two"))
    add_scenario(organization, "ONE", prompt="Somebody else's.")

    write_import(job.pk)

    job.refresh_from_db()
    assert (list_outcomes(job), job.status, job.written) == (["duplicate", "created"], "completed", 2)
    assert Scenario.objects.get(title="ONE").prompt == "Somebody else's."
    assert count_files(own_storage) == 0


def test_update_of_deleted_scenario_creates_it(organization):
    scenario = add_scenario(organization, "Night shift")
    job = start_test_import(organization, make_row(evaluator_context="- Waits."), may_update=True)
    scenario.delete()

    write_import(job.pk)

    job.refresh_from_db()
    assert (list_outcomes(job), job.written, Scenario.objects.get().evaluator_context) == (["created"], 1, "- Waits.")


def test_update_of_replaced_scenario_changes_new_one(organization):
    scenario = add_scenario(organization, "Night shift")
    job = start_test_import(organization, make_row(evaluator_context="- Waits."), make_row("Other"), may_update=True)

    def replace() -> None:
        scenario.delete()
        add_scenario(organization, "NIGHT SHIFT", description="Somebody else's.")

    with run_before_query('FROM "accounts_organization"', replace):
        write_import(job.pk)

    job.refresh_from_db()
    assert (list_outcomes(job), job.status, job.written) == (["updated", "created"], ImportJob.Status.COMPLETED, 2)
    new = Scenario.objects.get(title="Night shift")
    assert (new.description, new.evaluator_context) == ("Somebody else's.", "- Waits.")


def test_update_locked_by_assignment_is_invalid_and_other_rows_are_written(
    organization, chat_scenario, counselor, supervisor
):
    job = start_test_import(
        organization, make_row(chat_scenario.title, mode="phone"), make_row("Another"), may_update=True
    )
    assign(chat_scenario, counselor, supervisor)

    write_import(job.pk)

    job.refresh_from_db()
    assert (list_outcomes(job), job.status) == (["invalid", "created"], ImportJob.Status.COMPLETED)
    assert list_problems(job) == [("mode", "The mode is locked because this scenario has been assigned.")]
    chat_scenario.refresh_from_db()
    assert chat_scenario.mode == "chat"


def test_update_keeps_concurrent_edit_of_other_field(organization):
    scenario = add_scenario(organization, "Night shift", "phone")
    job = start_test_import(organization, make_row(prompt="You are Walter."), may_update=True)
    Scenario.objects.filter(pk=scenario.pk).update(description="Written by hand.")

    write_import(job.pk)

    scenario.refresh_from_db()
    assert (scenario.prompt, scenario.description) == ("You are Walter.", "Written by hand.")


# ---- Query counts


def count_import_queries(organization, rows, **options) -> int:
    with CaptureQueriesContext(connection) as queries:
        job = run_test_import(organization, *rows, **options)
    assert set(list_outcomes(job)) <= {"created", "updated"}
    return len(queries)


@pytest.mark.django_db(transaction=True)
def test_hundred_rows_take_at_most_32_queries(organization, account):
    rows = make_rows(100, skills=["Grief support", "Call routing", "Termination"], category="advanced", account="717")
    changed = [one | {"prompt": "You are Walter.", "evaluator_context": "- New.", "skills": []} for one in rows]

    assert count_import_queries(organization, rows) <= 32
    assert count_import_queries(organization, changed, may_update=True) <= 32


# ---- Concurrent imports


@pytest.mark.django_db(transaction=True)
def test_concurrent_imports_create_each_title_once(organization):
    jobs = [start_test_import(organization, *make_rows(150)), start_test_import(organization, *make_rows(150))]

    results = run_concurrently(*[lambda job=job: write_import(job.pk) for job in jobs])

    assert results == [None, None]
    assert Scenario.objects.count() == Scenario.objects.values("title").distinct().count() == 150
    assert sorted(list_outcomes(jobs[0]) + list_outcomes(jobs[1])) == ["created"] * 150 + ["duplicate"] * 150
    assert all(
        scenario.evaluator_context == f"- Point {scenario.title.split()[1]}." for scenario in Scenario.objects.all()
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("may_update", [False, True])
def test_concurrent_workers_write_each_row_once(organization, settings, may_update):
    settings.IMPORT_LOST_AFTER = 0  # every claim counts as lost, so each worker takes the import over
    settings.TASK_ATTEMPTS = 100  # and each takeover is an attempt
    if may_update:
        run_test_import(organization, *make_rows(250))
    job = start_test_import(organization, *make_rows(250, prompt="You are Walter."), may_update=may_update)

    results = run_concurrently(*[lambda: write_import(job.pk)] * 3)
    write_import(job.pk)

    job.refresh_from_db()
    assert results == [None, None, None]
    assert (job.status, job.written) == (ImportJob.Status.COMPLETED, 250)
    assert set(list_outcomes(job)) == {"updated" if may_update else "created"}
    assert Scenario.objects.filter(prompt="You are Walter.").count() == Scenario.objects.count() == 250


@pytest.mark.parametrize("may_update", [False, True])
def test_worker_stops_writing_after_losing_its_claim(organization, may_update):
    if may_update:
        run_test_import(organization, *make_rows(250))
    job = start_test_import(organization, *make_rows(250, prompt="You are Walter."), may_update=may_update)

    write_import(job.pk, on_progress=lambda written: ImportJob.objects.update(fence=F("fence") + 1))

    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.RUNNING, 100)
    assert Scenario.objects.filter(prompt="You are Walter.").count() == 100


# ---- Storage failures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("may_update", [False, True])
def test_failing_storage_leaves_no_partial_rows(organization, own_storage, settings, may_update):
    if may_update:
        run_test_import(organization, *make_rows(150, evaluator_context="- Old."))
    files_before = count_files(own_storage)
    job = start_test_import(organization, *make_rows(150, prompt="You are Walter."), may_update=may_update)
    settings.IMPORT_LOST_AFTER = 0

    FailingStorage.remaining_saves = 130
    with pytest.raises(OSError, match="The storage is unavailable."):
        write_import(job.pk)
    job.refresh_from_db()
    first = Scenario.objects.filter(prompt="You are Walter.").count()
    assert (first, job.written, job.status) == (100, 100, ImportJob.Status.RUNNING)
    assert count_files(own_storage) == max(files_before, 100)

    FailingStorage.remaining_saves = 10_000
    write_import(job.pk)
    job.refresh_from_db()
    assert (job.status, job.written) == (ImportJob.Status.COMPLETED, 150)
    assert count_files(own_storage) == Scenario.objects.filter(prompt="You are Walter.").count() == 150
    assert {scenario.evaluator_context for scenario in Scenario.objects.all()} == {
        one["evaluator_context"] for one in make_rows(150)
    }
    assert default_storage.exists(Scenario.objects.first().evaluator_context_file.name)
