"""Command that imports scenario packs."""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from accounts.models import Account, Organization, User
from scenarios.models import ContextUnavailableError, ImportJob, fold_text
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.import_matching import AccountLookup
from scenarios.services.import_validation import SeenRows
from scenarios.services.imports import (
    MAX_BYTES,
    ImportOptions,
    discard_import,
    stage_import,
    start_import,
    stop_import,
    summarize_import,
    write_import,
)

Outcome = dict[str, Any]
COUNTS = ("created", "updated", "skipped", "invalid")
LISTS = ("created_titles", "updated_titles", "skipped_titles", "new_categories", "errors")


class Command(BaseCommand):
    help = "Imports packs of scenarios (JSON or CSV). What is there already is skipped; a second run creates nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a .json or .csv pack")
        parser.add_argument("--organization", help="name or id; not needed when there is one")
        parser.add_argument("--account", help="number, name or id, for rows that name no account")
        parser.add_argument("--created-by", help="e-mail address of whoever is named as the author")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
        parser.add_argument("--update", action="store_true", help="change what is there to what the file says")
        parser.add_argument("--create-categories", action="store_true", help="add categories that are not there yet")
        parser.add_argument("--partial", action="store_true", help="write the valid rows although others are not valid")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.organization = find_organization(options["organization"] or settings.DEFAULT_ORGANIZATION)
        self.author = find_author(options["created_by"], self.organization)
        self.options = ImportOptions(
            account=find_account(options["account"], self.organization),
            may_update=options["update"],
            creates_categories=options["create_categories"],
            is_partial=options["partial"],
        )
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            disable=options["json"],
        )
        with self.progress:
            outcomes = self.import_all(list(dict.fromkeys(options["files"])), options["dry_run"])
        self.show(outcomes, options)
        if refused := sum(outcome["invalid"] for outcome in outcomes.values()):
            kept = "the others were imported" if options["partial"] else "nothing was imported"
            would = "this is a dry run" if options["dry_run"] else kept
            hint = " --create-categories adds missing categories." if lacks_categories(outcomes, options) else ""
            raise CommandError(f"{refused} row{'' if refused == 1 else 's'} refused; {would}.{hint}")

    def import_all(self, files: list[Path], is_dry: bool) -> dict[str, Outcome]:
        """Validate every file before writing any. Write all or nothing, unless --partial is set."""
        jobs: dict[str, ImportJob] = {}
        try:
            seen: SeenRows = {}
            for path in files:
                jobs[str(path)] = self.read(path, seen)
            invalid = any(summarize_import(job)["invalid"] for job in jobs.values())
            if not is_dry and (self.options.is_partial or not invalid):
                for name, job in jobs.items():
                    self.write(name, job)
            is_expected = is_dry and (self.options.is_partial or not invalid)
            return {name: summarize_import(job, expected=is_expected) for name, job in jobs.items()}
        finally:
            for job in jobs.values():
                discard_import(job)

    def read(self, path: Path, seen: SeenRows) -> ImportJob:
        bar = self.progress.add_task(f"Reading {path.name}", total=None)
        try:
            with path.open("rb") as file, SpooledTemporaryFile(MAX_BYTES) as held:
                # A pipe or device can be read only once, and is read no further than the size limit.
                if not path.is_file():
                    held.write(file.read(MAX_BYTES + 1))
                return self.read_file(path, file if path.is_file() else cast(BinaryIO, held), seen, bar)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except UnreadablePackError as refused:
            raise CommandError(f"{path}: {refused} Nothing was imported.") from refused
        except ContextUnavailableError as error:
            problem = "An evaluator context that it may change cannot be read just now."
            raise CommandError(f"{path}: {problem} Nothing was imported. Try again in a moment.") from error

    def read_file(self, path: Path, file: BinaryIO, seen: SeenRows, bar: Any) -> ImportJob:
        def show(rows: int) -> None:
            self.progress.update(bar, completed=rows)

        job = stage_import(
            self.organization,
            self.author,
            file,
            path.name,
            ImportJob.ImportSource.COMMAND,
            self.options,
            seen=seen,
            on_progress=show,
        )
        self.progress.update(bar, total=job.total, completed=job.total)
        return job

    def write(self, name: str, job: ImportJob) -> None:
        bar = self.progress.add_task(f"Writing {Path(name).name}", total=job.to_write)
        start_import(job, queue=False)
        try:
            write_import(job.pk, on_progress=lambda written: self.progress.advance(bar, written), seconds=None)
        except BaseException as error:
            # BaseException covers Ctrl-C as well as an unavailable storage.
            stop_import(job)
            why = str(error).rstrip(".") or type(error).__name__
            raise CommandError(f"Stopped: {why}. {describe_progress(name, job)}") from error
        job.refresh_from_db()
        if job.status != ImportJob.Status.COMPLETED:
            others = "A worker goes on with the rest" if job.is_under_way else "The rest was given up by a worker"
            raise CommandError(
                f"This took so long that a worker took it over. {others}. {describe_progress(name, job)}"
            )

    def show(self, outcomes: dict[str, Outcome], options: dict[str, Any]) -> None:
        if options["json"]:
            whole: Outcome = {name: sum(outcome[name] for outcome in outcomes.values()) for name in COUNTS}
            whole |= {name: [item for outcome in outcomes.values() for item in outcome[name]] for name in LISTS}
            if options["dry_run"]:
                whole["dry_run"] = True
            self.stdout.write(json.dumps(whole, ensure_ascii=False, indent=2))
            return
        console = Console(file=self.stdout, soft_wrap=True)  # type: ignore[arg-type]
        console.print(counts_table(outcomes, options["dry_run"]))
        for outcome in outcomes.values():
            if outcome["new_categories"]:
                console.print(printable_text(f"New categories: {', '.join(outcome['new_categories'])}"))
            for title in outcome["skipped_titles"]:
                console.print(printable_text(f"Skipped, there already: {title}"))
        if any(outcome["errors"] for outcome in outcomes.values()):
            console.print(errors_table(outcomes))


def lacks_categories(outcomes: dict[str, Outcome], options: dict[str, Any]) -> bool:
    errors = [error for outcome in outcomes.values() for error in outcome["errors"]]
    return not options["create_categories"] and any(error["field"] == "category" for error in errors)


def printable_text(text: str) -> Text:
    """Return file text without the control characters that could drive a terminal."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in text))


def describe_progress(name: str, job: ImportJob) -> str:
    job.refresh_from_db()
    return (
        f"{job.written} of {job.to_write} rows of {name} are imported. "
        "Run the same command again to go on: what is there is skipped."
    )


def counts_table(outcomes: dict[str, Outcome], is_dry: bool) -> Table:
    table = Table("file", *COUNTS, title="What would be imported" if is_dry else "Imported", title_justify="left")
    for name, outcome in outcomes.items():
        table.add_row(printable_text(Path(name).name), *(str(outcome[count]) for count in COUNTS))
    return table


def errors_table(outcomes: dict[str, Outcome]) -> Table:
    table = Table("file", "row", "line", "field", "why", title="Refused", title_justify="left")
    for name, outcome in outcomes.items():
        for error in outcome["errors"]:
            place = [str(error["row"]), str(error["line"] or "")]
            table.add_row(
                printable_text(Path(name).name),
                *place,
                printable_text(error["field"]),
                printable_text(error["message"]),
            )
    return table


def find_organization(text: str) -> Organization:
    found = list(Organization.objects.all())
    if text:
        found = [one for one in found if text.strip() == str(one.pk) or fold_text(text) == fold_text(one.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"“{one.name}”" for one in Organization.objects.all()) or "none"
    problem = f"There is no organization “{text}”." if text else "Say which organization: --organization."
    raise CommandError(f"{problem} There are: {names}.")


def find_account(text: str | None, organization: Organization) -> Account | None:
    if not text:
        return None
    account = AccountLookup(organization.accounts.all()).find(text)
    if account is None:
        there = ", ".join(str(one) for one in organization.accounts.all()) or "none"
        raise CommandError(f"{organization.name} has no account “{text}”. It has: {there}.")
    return account


def find_author(email: str | None, organization: Organization) -> User | None:
    if not email:
        return None
    person = User.objects.filter(organization=organization, email=User.objects.normalize_email(email)).first()
    if person is None:
        raise CommandError(f"Nobody in {organization.name} has the address “{email}”.")
    return person
