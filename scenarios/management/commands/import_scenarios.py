"""Command that imports scenario packs."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, TypedDict, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from accounts.models import Account, Organization, User
from scenarios.models import ContextUnavailableError, ImportJob, fold_text
from scenarios.models.scenario_checks import ScenarioCheck
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.check_previews import LeftOutText
from scenarios.services.import_errors import MAX_LISTED_ROWS, ErrorGroup
from scenarios.services.import_matching import AccountLookup
from scenarios.services.import_previews import preview_import_checks
from scenarios.services.import_validation import SeenRows
from scenarios.services.import_writing import write_import
from scenarios.services.imports import (
    MAX_BYTES,
    ImportOptions,
    ImportSummary,
    RowError,
    discard_import,
    stage_import,
    start_import,
    stop_import,
    summarize_import,
)
from scenarios.services.message_translation import translate

COUNTS = ("created", "updated", "skipped", "invalid")
PREVIEW_BATCH = 200  # rows
LISTS = ("created_titles", "updated_titles", "skipped_titles", "new_categories", "errors")


class RowPreview(TypedDict):
    """The checks that one row's scenario would be graded on."""

    row: int
    title: str
    checks: list[ScenarioCheck]
    checks_are_proposed: bool
    checks_left_out: list[LeftOutText]


class Command(BaseCommand):
    help = "Import scenario packs (JSON or CSV). Existing scenarios are skipped, so a second run creates nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a .json or .csv pack")
        parser.add_argument("--organization", help="name or ID; optional if there is only one")
        parser.add_argument("--account", help="number, name, or ID of the account for rows that don't name one")
        parser.add_argument("--created-by", help="email address of the author")
        parser.add_argument("--dry-run", action="store_true", help="report what would happen without writing anything")
        parser.add_argument("--update", action="store_true", help="update existing scenarios with the same title")
        parser.add_argument("--create-categories", action="store_true", help="add categories that don't exist yet")
        parser.add_argument("--partial", action="store_true", help="write the valid rows even if others are invalid")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

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
            summaries = self.import_all(list(dict.fromkeys(options["files"])), options["dry_run"])
        self.show(summaries, options)
        if invalid := sum(summary.invalid for summary in summaries.values()):
            parts = [ngettext("%(count)s row is invalid.", "%(count)s rows are invalid.", invalid) % {"count": invalid}]
            if options["dry_run"]:
                parts.append(_("This is a dry run."))
            elif options["partial"]:
                parts.append(_("The other rows were imported."))
            else:
                parts.append(_("Nothing was imported."))
            if has_missing_categories(summaries, options):
                parts.append(_("To add missing categories, use --create-categories."))
            raise CommandError(" ".join(parts))

    def import_all(self, files: list[Path], is_dry: bool) -> dict[str, ImportSummary]:
        """Validate every file before writing any. Write all or nothing, unless --partial is set."""
        jobs: dict[str, ImportJob] = {}
        try:
            seen: SeenRows = {}
            for path in files:
                jobs[str(path)] = self.read(path, seen)
            invalid = any(summarize_import(job).invalid for job in jobs.values())
            if not is_dry and (self.options.is_partial or not invalid):
                for name, job in jobs.items():
                    self.write(name, job)
            is_expected = is_dry and (self.options.is_partial or not invalid)
            self.previews = list_previews(jobs.values()) if is_dry else []
            return {name: summarize_import(job, expected=is_expected) for name, job in jobs.items()}
        finally:
            for job in jobs.values():
                discard_import(job)

    def read(self, path: Path, seen: SeenRows) -> ImportJob:
        bar = self.progress.add_task(_("Reading %(file)s") % {"file": path.name}, total=None)
        try:
            with path.open("rb") as file, SpooledTemporaryFile(MAX_BYTES) as buffer:
                # A pipe or device can be read only once, and is read no further than the size limit.
                if not path.is_file():
                    buffer.write(file.read(MAX_BYTES + 1))
                return self.read_file(path, file if path.is_file() else cast(BinaryIO, buffer), seen, bar)
        except OSError as error:
            message = _("%(file)s can’t be read: %(reason)s.")
            raise CommandError(message % {"file": path, "reason": error.strerror}) from error
        except UnreadablePackError as error:
            message = _("%(file)s: %(reason)s Nothing was imported.")
            raise CommandError(message % {"file": path, "reason": translate(error.message)}) from error
        except ContextUnavailableError as error:
            message = _(
                "%(file)s: An evaluator context that this file may change can’t be read right now. Nothing was "
                "imported. Try again in a moment."
            )
            raise CommandError(message % {"file": path}) from error

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
        bar = self.progress.add_task(_("Writing %(file)s") % {"file": Path(name).name}, total=job.to_write)
        start_import(job, queue=False)
        try:
            write_import(job.pk, on_progress=lambda written: self.progress.advance(bar, written), seconds=None)
        except BaseException as error:
            # BaseException covers Ctrl-C as well as unavailable storage.
            stop_import(job)
            reason = str(error).rstrip(".") or type(error).__name__
            message = _("Stopped: %(reason)s. %(progress)s")
            raise CommandError(message % {"reason": reason, "progress": describe_progress(name, job)}) from error
        job.refresh_from_db()
        if job.status != ImportJob.Status.COMPLETED:
            explanation = (
                _("This took so long that a worker took over and is importing the rest. %(progress)s")
                if job.is_under_way
                else _("This took so long that a worker took over, but it could not import the rest. %(progress)s")
            )
            raise CommandError(explanation % {"progress": describe_progress(name, job)})

    def show(self, summaries: dict[str, ImportSummary], options: dict[str, Any]) -> None:
        if options["json"]:
            result: dict[str, object] = {
                name: sum(getattr(summary, name) for summary in summaries.values()) for name in COUNTS
            }
            result |= {
                name: [item for summary in summaries.values() for item in getattr(summary, name)] for name in LISTS
            }
            if options["dry_run"]:
                result |= {"dry_run": True, "checks": self.previews}
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
            return
        console = Console(file=self.stdout, soft_wrap=True)  # type: ignore[arg-type]
        console.print(counts_table(summaries, options["dry_run"]))
        for summary in summaries.values():
            if summary.new_categories:
                names = ", ".join(summary.new_categories)
                console.print(printable_text(_("New categories: %(names)s") % {"names": names}))
            for title in summary.skipped_titles:
                console.print(printable_text(_("Skipped because it already exists: %(title)s") % {"title": title}))
        for preview in self.previews:
            print_preview(console, preview)
        if any(summary.errors for summary in summaries.values()):
            console.print(errors_table(summaries))


def list_previews(jobs: Iterable[ImportJob]) -> list[RowPreview]:
    """Return the checks of every row that would be written."""
    found: list[RowPreview] = []
    for job in jobs:
        rows = job.rows.unwritten().order_by("number").iterator(chunk_size=PREVIEW_BATCH)
        while batch := list(islice(rows, PREVIEW_BATCH)):
            previews = preview_import_checks(job, batch)
            found += [
                {
                    "row": row.number,
                    "title": row.title,
                    "checks": previews[row.pk].checks,
                    "checks_are_proposed": previews[row.pk].is_proposed,
                    "checks_left_out": previews[row.pk].left_out,
                }
                for row in batch
                if row.pk in previews
            ]
    return found


def print_preview(console: Console, preview: RowPreview) -> None:
    """Print the checks that a scenario would be graded on, and each line left out with the reason."""
    count = len(preview["checks"])
    heading = ngettext("%(title)s: %(count)s check will be graded", "%(title)s: %(count)s checks will be graded", count)
    console.print(printable_text(heading % {"title": preview["title"], "count": count}))
    for number, check in enumerate(preview["checks"], 1):
        console.print(printable_text(f"  {number}. {check['text']}"))
    for line in preview["checks_left_out"]:
        parts = {"line": line["line"], "text": line["text"], "reason": line["reason"]}
        console.print(printable_text("  " + _("Not graded, line %(line)s: “%(text)s” %(reason)s") % parts))


def has_missing_categories(summaries: dict[str, ImportSummary], options: dict[str, Any]) -> bool:
    errors = [error for summary in summaries.values() for error in summary.errors]
    return not options["create_categories"] and any(error["field"] == "category" for error in errors)


def printable_text(text: str) -> Text:
    """Return file text without control characters, which could manipulate a terminal."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in text))


def describe_progress(name: str, job: ImportJob) -> str:
    job.refresh_from_db()
    progress = _(
        "%(written)s of %(total)s rows of %(file)s were imported. To continue, run the same command again. Existing "
        "scenarios are skipped."
    )
    return progress % {"written": job.written, "total": job.to_write, "file": name}


def counts_table(summaries: dict[str, ImportSummary], is_dry: bool) -> Table:
    title = _("What would be imported") if is_dry else _("Imported")
    columns = [_("File"), _("Created"), _("Updated"), _("Skipped"), _("Invalid")]
    table = Table(*columns, title=title, title_justify="left")
    for name, summary in summaries.items():
        table.add_row(printable_text(Path(name).name), *(str(getattr(summary, count)) for count in COUNTS))
    return table


def errors_table(summaries: dict[str, ImportSummary]) -> Table:
    columns = [_("File"), _("Rows"), _("Lines"), _("Field"), _("Problem")]
    table = Table(*columns, title=_("Invalid rows"), title_justify="left")
    for name, summary in summaries.items():
        for group in summary.error_groups:
            lines = [str(error["line"]) for error in summary.errors if is_in_group(error, group) and error["line"]]
            table.add_row(
                printable_text(Path(name).name),
                f"{group.count}: {group.listed_rows}" if group.count > 1 else group.listed_rows,
                ", ".join(lines[:MAX_LISTED_ROWS]) + (", …" if len(lines) > MAX_LISTED_ROWS else ""),
                printable_text(group.field),
                printable_text(group.message),
            )
    return table


def is_in_group(error: RowError, group: ErrorGroup) -> bool:
    return (error["field"], error["message"]) == (group.field, group.message)


def find_organization(text: str) -> Organization:
    found = list(Organization.objects.all())
    if text:
        found = [
            organization
            for organization in found
            if text.strip() == str(organization.pk) or fold_text(text) == fold_text(organization.name)
        ]
    if len(found) == 1:
        return found[0]
    names = {"name": text, "names": ", ".join(f"“{organization.name}”" for organization in Organization.objects.all())}
    if not names["names"]:
        raise CommandError(_("There are no organizations yet."))
    if text:
        raise CommandError(_("There is no organization “%(name)s”. Available: %(names)s.") % names)
    raise CommandError(_("Choose an organization with --organization. Available: %(names)s.") % names)


def find_account(text: str | None, organization: Organization) -> Account | None:
    if not text:
        return None
    account = AccountLookup(organization.accounts.all()).find(text)
    if account is None:
        names = {
            "organization": organization.name,
            "name": text,
            "names": ", ".join(str(account) for account in organization.accounts.all()),
        }
        if not names["names"]:
            raise CommandError(_("%(organization)s has no accounts.") % names)
        raise CommandError(_("%(organization)s has no account “%(name)s”. Available: %(names)s.") % names)
    return account


def find_author(email: str | None, organization: Organization) -> User | None:
    if not email:
        return None
    person = User.objects.filter(organization=organization, email=User.objects.normalize_email(email)).first()
    if person is None:
        message = _("No one in %(organization)s has the email address “%(email)s”.")
        raise CommandError(message % {"organization": organization.name, "email": email})
    return person
