import json
import os
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import F

from accounts.models import Account, Organization
from scenarios.models import ImportJob, Scenario
from tests.scenarios.import_factories import make_rows, run_before_query
from tests.support.fixtures import add_scenario

ROW = {"title": "Night shift", "prompt": "You are Dana.", "evaluator_context": "- Waits.", "category": "onboarding"}


@pytest.fixture
def pack(tmp_path):
    def write(*rows: dict[str, Any], name: str = "pack.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"scenarios": rows}))
        return path

    return write


def run(*arguments: Any) -> tuple[dict[str, Any], str]:
    """Run the command. Return its JSON output and the message of its CommandError, or "" if it succeeded."""
    out, ended = StringIO(), ""
    try:
        call_command("import_scenarios", *map(str, arguments), "--json", stdout=out, stderr=StringIO())
    except CommandError as error:
        ended = str(error)
        assert error.returncode == 1
    return json.loads(out.getvalue() or "{}"), ended


def test_second_run_imports_nothing(pack, organization):
    path = pack(ROW, {"title": "Morning", "prompt": "You are Walter.", "mode": "chat"})

    first, second = run(path), run(path)

    titles = ["Night shift", "Morning"]
    empty: dict[str, Any] = {"updated": 0, "invalid": 0, "updated_titles": [], "new_categories": [], "errors": []}
    assert first == ({"created": 2, "skipped": 0, "created_titles": titles, "skipped_titles": []} | empty, "")
    assert second == ({"created": 0, "skipped": 2, "created_titles": [], "skipped_titles": titles} | empty, "")
    scenario = Scenario.objects.get(title="Night shift")
    assert (scenario.organization, scenario.mode, scenario.category.name) == (organization, "phone", "Onboarding")
    assert (scenario.evaluator_context, scenario.created_by, scenario.account) == ("- Waits.", None, None)


def test_import_runs_without_worker_and_is_recorded(pack, organization):
    run(pack(ROW))

    job = ImportJob.objects.get()
    assert (job.status, job.source, job.filename, job.written) == ("completed", "command", "pack.json", 1)


def test_invalid_row_stops_import_and_is_reported(pack, organization):
    outcome, ended = run(pack(ROW, {"title": "Morning", "prompt": "", "category": "nowhere"}))

    assert ended == "1 row is invalid. Nothing was imported. To add missing categories, use --create-categories."
    assert (outcome["created"], outcome["invalid"], Scenario.objects.count()) == (0, 1, 0)
    assert [(error["row"], error["field"]) for error in outcome["errors"]] == [(2, "prompt"), (2, "category")]
    assert outcome["errors"][1]["message"] == (
        "There is no category “nowhere”. Available: Advanced, Assessment, Onboarding, Refresher."
    )
    assert not ImportJob.objects.exists()


def test_partial_imports_valid_rows_and_reports_invalid_one(pack, organization):
    outcome, ended = run(pack(ROW, {"title": "Morning"}), "--partial")

    assert ended == "1 row is invalid. The other rows were imported."
    assert (outcome["created_titles"], outcome["invalid"]) == (["Night shift"], 1)
    assert Scenario.objects.get().title == "Night shift"


def test_invalid_row_stops_import_of_all_files(pack, organization):
    good, bad = pack(ROW, name="good.json"), pack({"title": "Morning"}, name="bad.json")

    assert run(good, bad)[0]["created"] == 0
    assert run(good, bad, "--partial")[0]["created"] == 1


def test_title_in_two_files_is_created_once(pack, organization):
    outcome, _ = run(pack(ROW, name="one.json"), pack(ROW | {"title": " NIGHT shift"}, name="two.json"))

    assert (outcome["created"], outcome["skipped_titles"]) == (1, ["NIGHT shift"])


@pytest.mark.parametrize("update", [[], ["--update"]])
def test_dry_run_reports_same_outcome_as_run(pack, organization, update):
    add_scenario(organization, "There already", prompt="You are Dana.")
    files = [
        pack(ROW, {"title": "There already", "prompt": "You are Ines."}, name="one.json"),
        pack(
            {"title": "NIGHT shift", "prompt": "You are Walter."},
            {"title": "there ALREADY", "prompt": "You are Tom."},
            {"title": "Morning", "prompt": "You are Walter."},
            name="two.json",
        ),
    ]

    promised, _ = run(*files, "--dry-run", *update)
    done, _ = run(*files, *update)

    assert promised == done | {"dry_run": True}
    assert (done["created_titles"], done["updated"]) == (["Night shift", "Morning"], len(update))
    assert Scenario.objects.get(title="Night shift").prompt == "You are Dana."


def test_repeated_title_names_row_of_earlier_file(pack, organization):
    run(pack({"title": "Morning", "prompt": "x"}, ROW, name="one.json"), pack(ROW, name="two.json"))

    problems = ImportJob.objects.get(filename="two.json").rows.get().problems
    assert [problem["message"] for problem in problems] == ["Row 2 of one.json has the same title."]


def test_file_named_twice_is_imported_once(pack, organization):
    path = pack(ROW)

    assert run(path, path)[0]["created"] == 1
    assert ImportJob.objects.count() == 1


def test_import_taken_over_by_worker_is_not_reported_done(pack, organization):
    def take_over() -> None:
        ImportJob.objects.update(fence=F("fence") + 1)

    path = pack(*make_rows(150))
    with run_before_query('INSERT INTO "scenarios_scenario"', take_over):
        outcome, ended = run(path)

    assert (outcome, ended) == (
        {},
        "This took so long that a worker took over and is importing the rest. "
        f"100 of 150 rows of {path} were imported. "
        "To continue, run the same command again. Existing scenarios are skipped.",
    )
    assert ImportJob.objects.get().status == ImportJob.Status.RUNNING


def test_dry_run_reports_outcome_and_writes_nothing(pack, organization):
    outcome, ended = run(pack(ROW | {"category": "new one"}), "--dry-run", "--create-categories")

    assert (outcome["created_titles"], outcome["dry_run"], ended) == (["Night shift"], True, "")
    assert outcome["new_categories"] == ["new one"]
    assert not Scenario.objects.exists() and not ImportJob.objects.exists()
    assert not organization.categories.filter(name="new one").exists()


def test_dry_run_with_invalid_row_reports_nothing_created(pack, organization):
    path = pack(ROW, {"title": "Morning"})

    assert (run(path, "--dry-run")[0]["created"], run(path, "--dry-run", "--partial")[0]["created"]) == (0, 1)


def test_categories_are_created_only_on_request(pack, organization):
    path = pack(ROW | {"category": "cohort_training"})

    assert run(path)[0]["invalid"] == 1
    assert run(path, "--create-categories")[0]["created"] == 1
    assert Scenario.objects.get().category.name == "cohort_training"


def test_update_changes_only_columns_of_file(pack, organization, supervisor):
    run(pack(ROW))
    Scenario.objects.update(difficulty="expert", description="kept")

    changed, _ = run(pack({"title": "night SHIFT", "prompt": "You are Dana, 34."}), "--update")
    again, _ = run(pack({"title": "night SHIFT", "prompt": "You are Dana, 34."}), "--update")

    scenario = Scenario.objects.get()
    assert (changed["updated_titles"], again["updated_titles"], again["skipped"]) == (["night SHIFT"], [], 1)
    assert (scenario.title, scenario.prompt, scenario.difficulty) == ("night SHIFT", "You are Dana, 34.", "expert")
    assert (scenario.description, scenario.evaluator_context) == ("kept", "- Waits.")


def test_account_and_author_options_are_used(pack, organization, trainer):
    account = Account.objects.create(organization=organization, name="Harbor State Line", number="717")
    other = Account.objects.create(organization=organization, name="Valley Insurance")

    run(
        pack(ROW, {"title": "Morning", "prompt": "x", "account": "valley insurance"}),
        "--account=717",
        "--created-by=Trainer@example.org",
    )

    assert dict(Scenario.objects.values_list("title", "account")) == {"Night shift": account.pk, "Morning": other.pk}
    assert {scenario.created_by for scenario in Scenario.objects.all()} == {trainer}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Choose an organization with --organization. Available: “Harbor Crisis Center”, “Ridge Helpline”."),
        (["--organization=Nobody"], "There is no organization “Nobody”. Available: “Harbor"),
        (["--organization=ridge helpline", "--account=717"], "Ridge Helpline has no accounts."),
        (["--organization=Ridge Helpline", "--created-by=supervisor@example.org"], "No one in Ridge Helpline has the"),
    ],
)
def test_unclear_organization_account_or_author_is_rejected(
    pack, account, supervisor, other_organization, arguments, why
):
    with pytest.raises(CommandError, match="^" + why.replace(".", r"\.")):
        call_command("import_scenarios", str(pack(ROW)), *arguments)

    assert not Scenario.objects.exists()


def test_organization_defaults_to_setting(pack, organization, other_organization, settings):
    settings.DEFAULT_ORGANIZATION = "Ridge Helpline"

    run(pack(ROW))

    assert Scenario.objects.get().organization == other_organization


def test_title_of_another_organization_is_not_duplicate(pack, organization, other_organization):
    add_scenario(other_organization, "Night shift")

    assert run(pack(ROW), f"--organization={organization.pk}")[0]["created"] == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"scenarios": [{"title": "a",\n "prompt": }]}', "Line 2, column"),
        (b"", "The file is empty."),
        (b"[" * 300_000, "nested"),
        (b"x" * (32 * 1024**2 + 1), "larger than 32 MB"),
    ],
)
def test_unreadable_file_is_rejected_with_position(tmp_path, organization, content, why):
    path = tmp_path / "pack.json"
    path.write_bytes(content)

    with pytest.raises(CommandError) as refused:
        call_command("import_scenarios", str(path), stderr=StringIO())

    assert str(refused.value).startswith(f"{path}: ") and why in str(refused.value)
    assert str(refused.value).endswith("Nothing was imported.")
    assert not ImportJob.objects.exists()


def test_unavailable_context_stops_import(pack, organization):
    run(pack(ROW))
    default_storage.delete(Scenario.objects.get().evaluator_context_file.name)

    outcome, ended = run(path := pack(ROW), "--update")

    assert (outcome, ended) == (
        {},
        f"{path}: An evaluator context that this file may change can’t be read right now. "
        "Nothing was imported. Try again in a moment.",
    )
    assert ImportJob.objects.count() == 1


def test_pipe_is_read_once(tmp_path, organization):
    pipe = tmp_path / "pack.json"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[json.dumps([ROW])])
    writer.start()

    outcome, ended = run(pipe)
    writer.join()

    assert (outcome["created"], ended) == (1, "")


def test_control_characters_are_not_printed(pack, organization):
    path, out = pack(ROW | {"title": "\x1b[31mRed\x1b]0;title\x07"}), StringIO()
    run(path)

    call_command("import_scenarios", str(path), stdout=out, stderr=StringIO())

    assert "\x1b" not in out.getvalue() and "\x07" not in out.getvalue()
    assert "[31mRed" in out.getvalue()


def test_missing_file_is_reported(organization, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_scenarios", str(tmp_path / "nothing.json"), stderr=StringIO())


def test_outcome_is_printed_as_table(pack, organization, capsys):
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("import_scenarios", str(pack(ROW, {"title": "[b]Morning[/b]"})), "--partial", stdout=out)

    printed = out.getvalue()
    assert [
        name for name in ("Created", "Skipped", "Invalid", "Invalid rows", "prompt", "blank") if name not in printed
    ] == []
    assert "Writing pack.json" in capsys.readouterr().err


def test_text_of_file_is_not_treated_as_markup(pack, organization, capsys):
    out = StringIO()
    rows = [ROW, ROW | {"title": "[b]Two", "[/prompt]": "x"}]

    with pytest.raises(CommandError, match="1 row is invalid"):
        call_command("import_scenarios", str(pack(*rows, name="[b]pack.json")), "--partial", stdout=out)

    assert [text for text in ("[/prompt]", "[b]pack.json") if text not in out.getvalue()] == []
    progress = capsys.readouterr().err
    assert [text for text in ("Reading [b]pack.json", "Writing [b]pack.json") if text not in progress] == []


def test_organization_option_accepts_id(pack, organization, other_organization):
    run(pack(ROW), f"--organization={other_organization.pk}")

    assert Organization.objects.get(scenarios__title="Night shift") == other_organization
