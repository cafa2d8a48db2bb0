"""Command that imports scenario packs."""

import json
from argparse import ArgumentParser
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scenarios.management.command_options import find_account, find_author, find_organization
from scenarios.management.import_reports import build_json, list_previews, print_report
from scenarios.models import ContextUnavailableError, ImportJob
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.import_summaries import ImportSummary, summarize_import
from scenarios.services.import_validation import SeenRows
from scenarios.services.import_writing import write_import
from scenarios.services.imports import MAX_BYTES, ImportOptions, discard_import, stage_import, start_import, stop_import
from scenarios.services.message_translation import translate


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
            result = build_json(summaries, self.previews, options["dry_run"])
            self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            console = Console(file=self.stdout, soft_wrap=True)  # type: ignore[arg-type]
            print_report(console, summaries, self.previews, options["dry_run"])


def has_missing_categories(summaries: dict[str, ImportSummary], options: dict[str, Any]) -> bool:
    errors = [error for summary in summaries.values() for error in summary.errors]
    return not options["create_categories"] and any(error["field"] == "category" for error in errors)


def describe_progress(name: str, job: ImportJob) -> str:
    job.refresh_from_db()
    progress = _(
        "%(written)s of %(total)s rows of %(file)s were imported. To continue, run the same command again. Existing "
        "scenarios are skipped."
    )
    return progress % {"written": job.written, "total": job.to_write, "file": name}
