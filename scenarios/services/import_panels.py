"""Import with one page of its rows, as its page shows it. Shared by our import page and the admin."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q

from accounts.models import User
from scenarios.models import ImportJob, ImportRow, Scenario, title_key
from scenarios.services.import_errors import ErrorGroup, group_job_errors, list_missing_categories
from scenarios.services.import_previews import preview_import_checks
from scenarios.services.import_results import ImportNotice, describe_begin, describe_progress, describe_result

PER_PAGE = 100  # rows


@dataclass(frozen=True)
class ImportPanel:
    """An import with one page of its rows."""

    job: ImportJob
    counts: dict[str, int]  # rows by outcome
    filters: list[tuple[str, str, int]]  # outcome, label, and number of rows
    outcome: str  # chosen filter, or "" for all rows
    page: Page[ImportRow]
    rows: list[ImportRow]  # of this page, with their `scenario_id` and `preview`
    may_import: bool
    error_groups: list[ErrorGroup]
    missing_categories: list[str]

    @property
    def has_previews(self) -> bool:
        return any(getattr(row, "preview", None) for row in self.rows)

    @property
    def notice(self) -> ImportNotice | None:
        return describe_result(self.job, self.counts)

    @property
    def begin_label(self) -> str:
        """Label of the button that starts the import, or "" if the person may not or there is nothing to start."""
        return describe_begin(self.job, self.counts) if self.may_import else ""

    @property
    def begins_partial(self) -> bool:
        """Return whether the button also says that the invalid rows may be left out."""
        return bool(self.job.invalid) and not self.job.is_partial

    @property
    def offers_categories(self) -> bool:
        """Return whether categories are missing that the import could create."""
        is_checked = self.job.status == ImportJob.Status.CHECKED
        return is_checked and bool(self.missing_categories) and not self.job.creates_categories

    @property
    def progress_words(self) -> str:
        return describe_progress(self.job)

    @property
    def upload_query(self) -> str:
        """Query of the upload page that keeps this import's choices."""
        chosen = {name: "1" for name in ("may_update", "creates_categories", "is_partial") if getattr(self.job, name)}
        return urlencode({"account": self.job.account_id or ""} | chosen)


def build_import_panel(job: ImportJob, user: User, query: Mapping[str, str]) -> ImportPanel:
    """Return the import with the rows that `outcome` and `page` of the query ask for. Unknown values are ignored."""
    counts = dict(job.rows.values_list("outcome").annotate(Count("pk")).order_by())
    outcome = query.get("outcome", "")
    rows = job.rows.filter(outcome=outcome) if outcome in counts else job.rows.all()
    page = Paginator(rows.order_by("number"), PER_PAGE).get_page(query.get("page"))
    return ImportPanel(
        job=job,
        counts={value: counts[value] for value in ImportRow.Outcome.values if value in counts},
        filters=[(value, str(label), counts[value]) for value, label in ImportRow.Outcome.choices if value in counts],
        outcome=outcome if outcome in counts else "",
        page=page,
        rows=[] if job.is_under_way else _add_previews(job, _link_scenarios(user, list(page.object_list))),
        may_import=user.has_perm("scenarios.add_importjob"),
        error_groups=group_job_errors(job) if job.invalid else [],
        missing_categories=list_missing_categories(job) if job.invalid else [],
    )


def _add_previews(job: ImportJob, rows: list[ImportRow]) -> list[ImportRow]:
    """Set `preview` on each row: the checks that will be graded, or None if the row will not be written."""
    previews = preview_import_checks(job, rows)
    for row in rows:
        row.preview = previews.get(row.pk)  # type: ignore[attr-defined]
    return rows


def _link_scenarios(user: User, rows: list[ImportRow]) -> list[ImportRow]:
    """Set `scenario_id` on each row to the scenario created from it or with the same title."""
    ids = [row.pk for row in rows]
    keys = {row: title_key(row.title) for row in rows}
    scenarios = Scenario.objects.for_user(user).filter(
        Q(pk__in=ids) | Q(title_key__in=keys.values(), is_one_time=False)
    )
    pairs = list(scenarios.order_by("-created_at").values_list("pk", "title_key"))
    created, by_key = {pk for pk, _ in pairs}, {key: pk for pk, key in pairs}
    linked_outcomes = {ImportRow.Outcome.UPDATED, ImportRow.Outcome.CHANGED, ImportRow.Outcome.DUPLICATE}
    for row in rows:
        found = row.pk if row.pk in created else by_key.get(keys[row]) if row.outcome in linked_outcomes else None
        row.scenario_id = found  # type: ignore[attr-defined]
    return rows
