"""Importing an export changes nothing in the same organization and recreates the scenarios in another one."""

import io
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Organization
from accounts.web.visible_text import is_blank
from scenarios.models import Difficulty, ImportJob, Mode, Opener, Patience, Scenario, title_key
from scenarios.packs.columns import COLUMNS
from scenarios.packs.writer import write_csv, write_json
from scenarios.receivers import DEFAULT_SKILLS
from scenarios.services.evaluator_contexts import read_evaluator_contexts
from scenarios.services.exports import export_rows
from scenarios.services.import_writing import write_import
from scenarios.services.imports import ImportOptions, stage_import, start_import
from scenarios.services.scenarios import create_scenario

# Every character that both databases can store.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ACCOUNTS = {"717": "Harbor State Line", "718": "Harbor State Line", "0042": 'Insurer; "East"', "": "No number"}


def texts(max_size: int, min_size: int = 0) -> st.SearchStrategy[str]:
    return st.text(CHARACTERS, min_size=min_size, max_size=max_size)


TITLES = texts(60, 1).filter(lambda text: not is_blank(text))
ROWS = st.fixed_dictionaries(
    {
        "prompt": texts(80, 1).filter(lambda text: not is_blank(text)),
        "description": texts(80),
        "content_notes": texts(80),
        "evaluator_context": texts(80),
        "mode": st.sampled_from(Mode.values),
        "category": st.sampled_from(["", "Onboarding", "Advanced", "cohort_a", "Übung; 2", "=1+1"]),
        "difficulty": st.sampled_from(Difficulty.values),
        "estimated_minutes": st.integers(5, 120),
        "skills": st.lists(st.sampled_from(DEFAULT_SKILLS), max_size=10, unique=True),
        "account": st.sampled_from([None, *ACCOUNTS]),
        "opens": st.sampled_from(["", *Opener.values]),
        "patience": st.sampled_from(Patience.values),
        "relevant_policy_sections": texts(80),
        "is_one_time": st.booleans(),
        "is_active": st.booleans(),
    }
)
FORMATS = st.sampled_from(["csv", "json"])
slow_settings = settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


def create_accounts(organization: Organization) -> dict[str | None, Account]:
    accounts = {
        number: Account.objects.create(organization=organization, name=name, number=number)
        for number, name in ACCOUNTS.items()
    }
    return {None: None, **accounts}


def write_scenario(organization: Organization, accounts: dict[Any, Any], title: str, values: dict[str, Any]) -> None:
    names = {"category", "skills", "account", "evaluator_context"}
    plain = {name: value for name, value in values.items() if name not in names}
    category = values["category"] and organization.categories.get_or_create(name=values["category"])[0]
    create_scenario(
        organization,
        None,
        {**plain, "title": title, "category": category or None, "account": accounts[values["account"]]},
        values["evaluator_context"],
        organization.skills.filter(name__in=values["skills"]),
    )


def export_file(organization: Organization, kind: str) -> io.BytesIO:
    out = io.StringIO(newline="")
    {"csv": write_csv, "json": write_json}[kind](export_rows(organization, Scenario.objects.all()), out)
    return io.BytesIO(out.getvalue().encode("utf-8-sig" if kind == "csv" else "utf-8"))


def stage_exported_file(organization: Organization, file: io.BytesIO, kind: str, **options: bool) -> ImportJob:
    return stage_import(organization, None, file, f"pack.{kind}", ImportJob.ImportSource.API, ImportOptions(**options))


def scenarios_by_title(organization: Organization) -> dict[str, dict[str, Any]]:
    """Return every scenario by title, as an import stores it: title trimmed, line breaks as LF.

    The values come from the rows, because an export that omits a column would omit it on both sides.
    """
    found = {}
    for scenario in Scenario.objects.filter(organization=organization):
        values = {name: getattr(scenario, name) for name in COLUMNS if name != "evaluator_context"}
        normalized = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value for name, value in values.items()
        }
        category, account = scenario.category, scenario.account
        found[normalized["title"].strip()] = normalized | {
            "title": normalized["title"].strip(),
            "category": category.name if category else "",
            "account": (account.number, account.name) if account else None,
            "skills": sorted(skill.name for skill in scenario.skills.all()),
            "evaluator_context": read_evaluator_contexts([scenario])[scenario.pk].replace("\r\n", "\n"),
        }
    return found


@slow_settings
@given(st.lists(st.tuples(TITLES, ROWS), min_size=1, max_size=5), FORMATS)
def test_importing_export_changes_nothing(organization, scenarios, kind):
    with transaction.atomic():
        accounts = create_accounts(organization)
        for title, values in scenarios:
            write_scenario(organization, accounts, title, values)

        job = stage_exported_file(
            organization, export_file(organization, kind), kind, may_update=True, creates_categories=True
        )

        assert (job.to_write, job.invalid, job.total) == (0, 0, len(scenarios)), list(job.rows.values())
        transaction.set_rollback(True)


@slow_settings
@given(st.lists(st.tuples(TITLES, ROWS), min_size=1, max_size=5, unique_by=lambda pair: title_key(pair[0])), FORMATS)
def test_export_recreates_scenarios_in_another_organization(organization, other_organization, scenarios, kind):
    with transaction.atomic():
        accounts = create_accounts(organization)
        create_accounts(other_organization)
        for title, values in scenarios:
            write_scenario(organization, accounts, title, values)

        job = stage_exported_file(other_organization, export_file(organization, kind), kind, creates_categories=True)
        assert (job.to_write, job.invalid) == (len(scenarios), 0), list(job.rows.values())
        start_import(job, queue=False)
        write_import(job.pk)

        assert scenarios_by_title(other_organization) == scenarios_by_title(organization)
        transaction.set_rollback(True)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_export_keeps_scenarios_with_same_title_apart(organization, kind):
    for prompt in ("You are Dana.", "You are Walter."):
        create_scenario(organization, None, {"title": "Night shift", "prompt": prompt})

    job = stage_exported_file(organization, export_file(organization, kind), kind, may_update=True)

    assert list(job.rows.values_list("outcome", flat=True)) == ["duplicate", "duplicate"]
