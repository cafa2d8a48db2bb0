"""Output of the command that imports scenario packs: counts, errors, and the checks that would be graded."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scenarios.models import ImportJob
from scenarios.models.scenario_checks import ScenarioCheck
from scenarios.services.check_previews import LeftOutText
from scenarios.services.import_errors import MAX_LISTED_ROWS, ErrorGroup
from scenarios.services.import_previews import preview_import_checks
from scenarios.services.import_summaries import ImportSummary, RowError

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


def build_json(summaries: dict[str, ImportSummary], previews: list[RowPreview], is_dry: bool) -> dict[str, object]:
    """Return the result of an import for programs."""
    result: dict[str, object] = {name: sum(getattr(summary, name) for summary in summaries.values()) for name in COUNTS}
    result |= {name: [item for summary in summaries.values() for item in getattr(summary, name)] for name in LISTS}
    return result | ({"dry_run": True, "checks": previews} if is_dry else {})


def print_report(
    console: Console, summaries: dict[str, ImportSummary], previews: list[RowPreview], is_dry: bool
) -> None:
    """Print the result of an import for people."""
    console.print(counts_table(summaries, is_dry))
    for summary in summaries.values():
        if summary.new_categories:
            names = ", ".join(summary.new_categories)
            console.print(printable_text(_("New categories: %(names)s") % {"names": names}))
        for title in summary.skipped_titles:
            console.print(printable_text(_("Skipped because it already exists: %(title)s") % {"title": title}))
    for preview in previews:
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


def printable_text(text: str) -> Text:
    """Return file text without control characters, which could manipulate a terminal."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in text))
