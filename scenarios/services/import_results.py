"""Sentences about the state of an import, shared by our import page and the admin."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scenarios.models import ImportJob


@dataclass(frozen=True)
class ImportNotice:
    """What was found or done. `kind` is good, warn, danger, or accent."""

    kind: str
    title: str
    text: str


def describe_result(job: ImportJob, counts: Mapping[str, int]) -> ImportNotice | None:
    """Return what a checked or finished import comes to, or None while it is under way. `counts` is by outcome."""
    if job.is_under_way:
        return None
    if job.status == ImportJob.Status.COMPLETED:
        return ImportNotice("good", _("The import is complete."), _describe_counts(job, counts))
    if job.status == ImportJob.Status.FAILED:
        done = _("%(written)s of %(total)s rows are done.") % {"written": job.written, "total": job.to_write}
        return ImportNotice("danger", _("The import did not finish."), f"{job.failure_text} {done}".strip())
    if job.status == ImportJob.Status.CHECKED:
        return _describe_check(job, counts)
    text = _("If the check was interrupted, upload the file again.")
    return ImportNotice("accent", _("This file is still being checked."), text)


def _describe_counts(job: ImportJob, counts: Mapping[str, int]) -> str:
    sentences = [_("Created: %(count)s.") % {"count": counts.get("created", 0)}]
    if job.may_update or counts.get("updated"):
        sentences.append(_("Updated: %(count)s.") % {"count": counts.get("updated", 0)})
    sentences.append(_("Already existing: %(count)s.") % {"count": counts.get("duplicate", 0)})
    if counts.get("invalid"):
        sentences.append(_("Invalid and skipped: %(count)s.") % {"count": counts["invalid"]})
    return " ".join(sentences)


def _describe_check(job: ImportJob, counts: Mapping[str, int]) -> ImportNotice:
    if not job.to_write and not job.invalid:
        return ImportNotice("good", _("Nothing to import."), _describe_known(job))
    if not job.to_write:
        sentences = [_count_invalid(job)]
        if counts.get("duplicate"):
            sentences.append(_("The others already exist."))
        sentences.append(_("Fix the problems listed below, and upload the file again."))
        return ImportNotice("danger", _("Nothing can be imported."), " ".join(sentences))
    if job.invalid and not job.is_partial:
        title = ngettext(
            "Nothing has been imported yet, because %(invalid)s of %(total)s rows is invalid.",
            "Nothing has been imported yet, because %(invalid)s of %(total)s rows are invalid.",
            job.invalid,
        )
        text = _("Fix the problems listed below and upload the file again, or import only the valid rows.")
        return ImportNotice("danger", title % {"invalid": job.invalid, "total": job.total}, text)
    if job.invalid:
        title = ngettext(
            "%(invalid)s of %(total)s rows is invalid and will be skipped.",
            "%(invalid)s of %(total)s rows are invalid and will be skipped.",
            job.invalid,
        )
        counted = {"invalid": job.invalid, "total": job.total}
        return ImportNotice("warn", title % counted, _("You can import the other rows."))
    return ImportNotice("good", _("No problems found."), _("Nothing has been imported yet."))


def _describe_known(job: ImportJob) -> str:
    if job.may_update:
        text = ngettext(
            "The scenario already exists and has not changed.",
            "All %(total)s scenarios already exist, and none has changed.",
            job.total,
        )
    else:
        text = ngettext("The scenario already exists.", "All %(total)s scenarios already exist.", job.total)
    return text % {"total": job.total}


def _count_invalid(job: ImportJob) -> str:
    text = ngettext(
        "%(invalid)s of %(total)s rows is invalid.", "%(invalid)s of %(total)s rows are invalid.", job.invalid
    )
    return text % {"invalid": job.invalid, "total": job.total}


def describe_begin(job: ImportJob, counts: Mapping[str, int]) -> str:
    """Return the label of the button that starts a checked import, or "" if there is nothing to start."""
    if job.status != ImportJob.Status.CHECKED or not job.to_write:
        return ""
    new, changed = counts.get("new", 0), counts.get("changed", 0)
    if job.invalid and not job.is_partial:
        text = ngettext("Import the %(rows)s valid row", "Import the %(rows)s valid rows", job.to_write)
    elif changed and new:
        text = ngettext(
            "Import %(new)s and update %(changed)s scenario", "Import %(new)s and update %(changed)s scenarios", changed
        )
    elif changed:
        text = ngettext("Update %(changed)s scenario", "Update %(changed)s scenarios", changed)
    else:
        text = ngettext("Import %(new)s scenario", "Import %(new)s scenarios", new)
    return text % {"rows": job.to_write, "new": new, "changed": changed}


def describe_progress(job: ImportJob) -> str:
    """Return how far an import that is under way has come."""
    text = (
        _("Waiting for a worker: %(written)s of %(total)s done")
        if job.status == ImportJob.Status.QUEUED
        else _("Importing: %(written)s of %(total)s done")
    )
    return text % {"written": job.written, "total": job.to_write}
