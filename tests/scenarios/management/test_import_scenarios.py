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
def write_pack(tmp_path):
    def write(*rows: dict[str, Any], name: str = "pack.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"scenarios": rows}))
        return path

    return write


def run_command(*arguments: Any) -> tuple[dict[str, Any], str]:
    """Run the command. Return its JSON output and the message of its CommandError, or "" if it succeeded."""
    out, message = StringIO(), ""
    try:
        call_command("import_scenarios", *map(str, arguments), "--json", stdout=out, stderr=StringIO())
    except CommandError as error:
        message = str(error)
        assert error.returncode == 1
    return json.loads(out.getvalue() or "{}"), message


def test_second_run_imports_nothing(write_pack, organization):
    path = write_pack(ROW, {"title": "Morning", "prompt": "You are Walter.", "mode": "chat"})

    first, second = run_command(path), run_command(path)

    titles = ["Night shift", "Morning"]
    empty: dict[str, Any] = {"updated": 0, "invalid": 0, "updated_titles": [], "new_categories": [], "errors": []}
    assert first == ({"created": 2, "skipped": 0, "created_titles": titles, "skipped_titles": []} | empty, "")
    assert second == ({"created": 0, "skipped": 2, "created_titles": [], "skipped_titles": titles} | empty, "")
    scenario = Scenario.objects.get(title="Night shift")
    assert (scenario.organization, scenario.mode, scenario.category.name) == (organization, "phone", "Onboarding")
    assert (scenario.evaluator_context, scenario.created_by, scenario.account) == ("- Waits.", None, None)


def test_import_runs_without_worker_and_is_recorded(write_pack, organization):
    run_command(write_pack(ROW))

    job = ImportJob.objects.get()
    assert (job.status, job.source, job.filename, job.written) == ("completed", "command", "pack.json", 1)


def test_invalid_row_stops_import_and_is_reported(write_pack, organization):
    outcome, message = run_command(write_pack(ROW, {"title": "Morning", "prompt": "", "category": "nowhere"}))

    assert message == "1 row is invalid. Nothing was imported. To add missing categories, use --create-categories."
    assert (outcome["created"], outcome["invalid"], Scenario.objects.count()) == (0, 1, 0)
    assert [(error["row"], error["field"]) for error in outcome["errors"]] == [(2, "prompt"), (2, "category")]
    assert outcome["errors"][1]["message"] == (
        "There is no category “nowhere”. Available: Advanced, Assessment, Onboarding, Refresher."
    )
    assert not ImportJob.objects.exists()


def test_partial_imports_valid_rows_and_reports_invalid_one(write_pack, organization):
    outcome, message = run_command(write_pack(ROW, {"title": "Morning"}), "--partial")

    assert message == "1 row is invalid. The other rows were imported."
    assert (outcome["created_titles"], outcome["invalid"]) == (["Night shift"], 1)
    assert Scenario.objects.get().title == "Night shift"


def test_invalid_row_stops_import_of_all_files(write_pack, organization):
    good, bad = write_pack(ROW, name="good.json"), write_pack({"title": "Morning"}, name="bad.json")

    assert run_command(good, bad)[0]["created"] == 0
    assert run_command(good, bad, "--partial")[0]["created"] == 1


def test_title_in_two_files_is_created_once(write_pack, organization):
    outcome, _ = run_command(
        write_pack(ROW, name="one.json"), write_pack(ROW | {"title": " NIGHT shift"}, name="two.json")
    )

    assert (outcome["created"], outcome["skipped_titles"]) == (1, ["NIGHT shift"])


@pytest.mark.parametrize("update", [[], ["--update"]])
def test_dry_run_reports_same_outcome_as_run(write_pack, organization, update):
    add_scenario(organization, "There already", prompt="You are Dana.")
    files = [
        write_pack(ROW, {"title": "There already", "prompt": "You are Ines."}, name="one.json"),
        write_pack(
            {"title": "NIGHT shift", "prompt": "You are Walter."},
            {"title": "there ALREADY", "prompt": "You are Tom."},
            {"title": "Morning", "prompt": "You are Walter."},
            name="two.json",
        ),
    ]

    preview, _ = run_command(*files, "--dry-run", *update)
    result, _ = run_command(*files, *update)

    assert {row["title"] for row in preview.pop("checks")} == {*preview["created_titles"], *preview["updated_titles"]}
    assert preview == result | {"dry_run": True}
    assert (result["created_titles"], result["updated"]) == (["Night shift", "Morning"], len(update))
    assert Scenario.objects.get(title="Night shift").prompt == "You are Dana."


def test_repeated_title_names_row_of_earlier_file(write_pack, organization):
    run_command(write_pack({"title": "Morning", "prompt": "x"}, ROW, name="one.json"), write_pack(ROW, name="two.json"))

    problems = ImportJob.objects.get(filename="two.json").rows.get().problems
    assert [problem["message"] for problem in problems] == ["Row 2 of one.json has the same title."]


def test_file_named_twice_is_imported_once(write_pack, organization):
    path = write_pack(ROW)

    assert run_command(path, path)[0]["created"] == 1
    assert ImportJob.objects.count() == 1


def test_import_taken_over_by_worker_is_not_reported_as_done(write_pack, organization):
    def take_over() -> None:
        ImportJob.objects.update(fence=F("fence") + 1)

    path = write_pack(*make_rows(150))
    with run_before_query('INSERT INTO "scenarios_scenario"', take_over):
        outcome, message = run_command(path)

    assert (outcome, message) == (
        {},
        "This took so long that a worker took over and is importing the rest. "
        f"100 of 150 rows of {path} were imported. "
        "To continue, run the same command again. Existing scenarios are skipped.",
    )
    assert ImportJob.objects.get().status == ImportJob.Status.RUNNING


def test_dry_run_reports_outcome_and_writes_nothing(write_pack, organization):
    outcome, message = run_command(write_pack(ROW | {"category": "new one"}), "--dry-run", "--create-categories")

    assert (outcome["created_titles"], outcome["dry_run"], message) == (["Night shift"], True, "")
    assert outcome["new_categories"] == ["new one"]
    assert not Scenario.objects.exists() and not ImportJob.objects.exists()
    assert not organization.categories.filter(name="new one").exists()


def test_dry_run_with_invalid_row_reports_nothing_created(write_pack, organization):
    path = write_pack(ROW, {"title": "Morning"})

    assert (
        run_command(path, "--dry-run")[0]["created"],
        run_command(path, "--dry-run", "--partial")[0]["created"],
    ) == (0, 1)


def test_categories_are_created_only_on_request(write_pack, organization):
    path = write_pack(ROW | {"category": "cohort_training"})

    assert run_command(path)[0]["invalid"] == 1
    assert run_command(path, "--create-categories")[0]["created"] == 1
    assert Scenario.objects.get().category.name == "cohort_training"


def test_update_changes_only_columns_of_file(write_pack, organization, supervisor):
    run_command(write_pack(ROW))
    Scenario.objects.update(difficulty="expert", description="kept")

    changed, _ = run_command(write_pack({"title": "night SHIFT", "prompt": "You are Dana, 34."}), "--update")
    again, _ = run_command(write_pack({"title": "night SHIFT", "prompt": "You are Dana, 34."}), "--update")

    scenario = Scenario.objects.get()
    assert (changed["updated_titles"], again["updated_titles"], again["skipped"]) == (["night SHIFT"], [], 1)
    assert (scenario.title, scenario.prompt, scenario.difficulty) == ("night SHIFT", "You are Dana, 34.", "expert")
    assert (scenario.description, scenario.evaluator_context) == ("kept", "- Waits.")


def test_account_and_author_options_are_used(write_pack, organization, trainer):
    account = Account.objects.create(organization=organization, name="Harbor State Line", number="717")
    other = Account.objects.create(organization=organization, name="Valley Insurance")

    run_command(
        write_pack(ROW, {"title": "Morning", "prompt": "x", "account": "valley insurance"}),
        "--account=717",
        "--created-by=Trainer@example.org",
    )

    assert dict(Scenario.objects.values_list("title", "account")) == {"Night shift": account.pk, "Morning": other.pk}
    assert {scenario.created_by for scenario in Scenario.objects.all()} == {trainer}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Choose an organization with --organization. Available: “Harbor Crisis Center”, “Ridge Helpline”."),
        (["--organization=Nobody"], "There is no organization “Nobody”. Available: “Harbor"),
        (["--organization=ridge helpline", "--account=717"], "Ridge Helpline has no accounts."),
        (["--organization=Ridge Helpline", "--created-by=supervisor@example.org"], "No one in Ridge Helpline has the"),
    ],
)
def test_unclear_organization_account_or_author_is_rejected(
    write_pack, account, supervisor, other_organization, arguments, message
):
    with pytest.raises(CommandError, match="^" + message.replace(".", r"\.")):
        call_command("import_scenarios", str(write_pack(ROW)), *arguments)

    assert not Scenario.objects.exists()


def test_organization_defaults_to_setting(write_pack, organization, other_organization, settings):
    settings.DEFAULT_ORGANIZATION = "Ridge Helpline"

    run_command(write_pack(ROW))

    assert Scenario.objects.get().organization == other_organization


def test_title_of_another_organization_is_not_duplicate(write_pack, organization, other_organization):
    add_scenario(other_organization, "Night shift")

    assert run_command(write_pack(ROW), f"--organization={organization.pk}")[0]["created"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"scenarios": [{"title": "a",\n "prompt": }]}', "Line 2, column"),
        (b"", "The file is empty."),
        (b"[" * 300_000, "nested"),
        (b"x" * (32 * 1024**2 + 1), "larger than 32 MB"),
    ],
)
def test_unreadable_file_is_rejected_with_position(tmp_path, organization, content, message):
    path = tmp_path / "pack.json"
    path.write_bytes(content)

    with pytest.raises(CommandError) as error:
        call_command("import_scenarios", str(path), stderr=StringIO())

    assert str(error.value).startswith(f"{path}: ") and message in str(error.value)
    assert str(error.value).endswith("Nothing was imported.")
    assert not ImportJob.objects.exists()


def test_unavailable_context_stops_import(write_pack, organization):
    run_command(write_pack(ROW))
    default_storage.delete(Scenario.objects.get().evaluator_context_file.name)

    outcome, message = run_command(path := write_pack(ROW), "--update")

    assert (outcome, message) == (
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

    outcome, message = run_command(pipe)
    writer.join()

    assert (outcome["created"], message) == (1, "")


def test_control_characters_are_not_printed(write_pack, organization):
    path, out = write_pack(ROW | {"title": "\x1b[31mRed\x1b]0;title\x07"}), StringIO()
    run_command(path)

    call_command("import_scenarios", str(path), stdout=out, stderr=StringIO())

    assert "\x1b" not in out.getvalue() and "\x07" not in out.getvalue()
    assert "[31mRed" in out.getvalue()


def test_missing_file_is_reported(organization, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_scenarios", str(tmp_path / "nothing.json"), stderr=StringIO())


def test_outcome_is_printed_as_table(write_pack, organization, capsys):
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("import_scenarios", str(write_pack(ROW, {"title": "[b]Morning[/b]"})), "--partial", stdout=out)

    printed = out.getvalue()
    assert [
        name for name in ("Created", "Skipped", "Invalid", "Invalid rows", "prompt", "blank") if name not in printed
    ] == []
    assert "Writing pack.json" in capsys.readouterr().err


def test_text_of_file_is_not_treated_as_markup(write_pack, organization, capsys):
    out = StringIO()
    rows = [ROW, ROW | {"title": "[b]Two", "[/prompt]": "x"}]

    with pytest.raises(CommandError, match="1 row is invalid"):
        call_command("import_scenarios", str(write_pack(*rows, name="[b]pack.json")), "--partial", stdout=out)

    assert [text for text in ("[/prompt]", "[b]pack.json") if text not in out.getvalue()] == []
    progress = capsys.readouterr().err
    assert [text for text in ("Reading [b]pack.json", "Writing [b]pack.json") if text not in progress] == []


def test_organization_option_accepts_id(write_pack, organization, other_organization):
    run_command(write_pack(ROW), f"--organization={other_organization.pk}")

    assert Organization.objects.get(scenarios__title="Night shift") == other_organization
