"""Admin pages for importing scenario packs."""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from accounts.admin import TenantAdmin, UnchangingAdminMixin
from accounts.models import Account
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import ask_before_action, is_confirmed
from scenarios.admin.import_columns import describe_pack_columns
from scenarios.forms.scenario_form import AccountChoiceField
from scenarios.models import ContextUnavailableError, ImportJob, ImportRow, Scenario, title_key
from scenarios.packs.rows import UnreadablePackError
from scenarios.services.import_errors import (
    ErrorGroup,
    accept_missing_categories,
    group_job_errors,
    list_missing_categories,
)
from scenarios.services.import_previews import preview_import_checks
from scenarios.services.imports import (
    MAX_BYTES,
    MAX_ROWS,
    ImportOptions,
    allow_partial,
    discard_import,
    resume_import,
    stage_import,
    start_import,
)
from scenarios.services.message_translation import translate

PER_PAGE = 100  # rows


class ImportUploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.json"}),
        help_text=format_lazy(
            _("A JSON or CSV file of up to {megabytes} MB and {rows} rows."),
            megabytes=MAX_BYTES // 1024**2,
            rows=f"{MAX_ROWS:,}",
        ),
    )
    account = AccountChoiceField(
        label=_("Account"),
        queryset=Account.objects.none(),
        required=False,
        empty_label=_("The whole organization"),
        help_text=_("Applies to rows that don’t name an account."),
    )
    may_update = forms.BooleanField(
        required=False,
        label=_("Update existing scenarios"),
        help_text=_("Scenarios with the same title are updated from the file. Otherwise, they stay unchanged."),
    )
    creates_categories = forms.BooleanField(
        required=False,
        label=_("Create categories"),
        help_text=_("Otherwise, a row is invalid if its category doesn’t exist yet."),
    )
    is_partial = forms.BooleanField(
        required=False,
        label=_("Import valid rows even if others are invalid"),
        help_text=_("Otherwise, a single invalid row stops the whole import."),
    )

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        accounts = Account.objects.for_user(user).with_procedures()
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                gettext("The file is larger than %(most)s MB. Split it into several files."),
                params={"most": MAX_BYTES // 1024**2},
            )
        return file

    def stage_import(self, user):
        """Return the checked import. If the file cannot be read or checked, add an error and return None."""
        options = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        file = self.cleaned_data["file"]
        try:
            return stage_import(
                user.organization, user, file, file.name, ImportJob.ImportSource.PAGE, ImportOptions(**options)
            )
        except UnreadablePackError as error:
            self.add_error("file", translate(error.message))
        except RateLimitExceededError as error:
            self.add_error("file", str(error))
        except ContextUnavailableError:
            message = gettext(
                "This file could not be checked, because an evaluator context that it may change can’t be read right "
                "now. Try again in a moment."
            )
            self.add_error("file", message)
        return None


@dataclass(frozen=True)
class ImportPanel:
    """An import with one page of its rows, as shown on its admin page."""

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


@admin.register(ImportJob)
class ImportJobAdmin(UnchangingAdminMixin, TenantAdmin):
    """Admin pages for scenario packs: upload, preview, and import."""

    list_display = ["__str__", "status", "total", "invalid", "written", "created_by", "created_at"]
    list_filter = ["status", "source"]
    list_select_related = ["created_by"]
    search_fields = ["filename"]

    def get_urls(self):
        wrap, name = self.admin_site.admin_view, "scenarios_importjob_{}".format
        return [
            path("template.csv", wrap(require_GET(self.csv_template_view)), name=name("template_csv")),
            path("template.json", wrap(require_GET(self.json_template_view)), name=name("template_json")),
            path("<uuid:pk>/progress/", wrap(require_GET(self.progress_view)), name=name("progress")),
            path("<uuid:pk>/begin/", wrap(require_POST(self.begin_view)), name=name("begin")),
            path("<uuid:pk>/categories/", wrap(require_POST(self.categories_view)), name=name("categories")),
            path("<uuid:pk>/resume/", wrap(require_POST(self.resume_view)), name=name("resume")),
            path("<uuid:pk>/discard/", wrap(require_POST(self.discard_view)), name=name("discard")),
            *super().get_urls(),
        ]

    def add_view(self, request, form_url="", extra_context=None):
        """Upload a pack and check it row by row. The library is not changed yet."""
        self._require_add(request)
        form_data = (request.POST, request.FILES) if request.method == "POST" else ()
        form = ImportUploadForm(request.user, *form_data, initial=request.GET.dict())
        job = form.stage_import(request.user) if form.is_valid() else None
        if job:
            return redirect(self._job_url(job))
        context = {
            "form": form,
            "columns": describe_pack_columns(),
            "max_bytes": MAX_BYTES,
            "title": gettext("Import scenarios"),
        }
        return self._render(request, "upload", context)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one import: the preview of each row, then the progress, then the result."""
        if request.method not in {"GET", "HEAD"} or not self.has_view_permission(request):
            raise PermissionDenied
        job = self.get_object(request, unquote(object_id))
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        title = gettext("Import of %(file)s") % {"file": job}
        context = {"title": title, "original": job, "panel": self._build_panel(request, job)}
        return self._render(request, "job", context)

    def progress_view(self, request, pk):
        """Return the fragment that the page polls while the import is in progress."""
        return self._render(request, "_job", {"panel": self._build_panel(request, self._get_job(request, pk))})

    def begin_view(self, request, pk):
        job = self._get_job(request, pk)
        if "anyway" in request.POST:
            allow_partial(job)
        if not start_import(job) and job.status == ImportJob.Status.CHECKED:
            self.message_user(request, gettext("Nothing was imported. The file has invalid rows."), messages.WARNING)
        return redirect(self._job_url(job))

    def categories_view(self, request, pk):
        """Let the import create the missing categories, as if “Create categories” had been checked."""
        job = self._get_job(request, pk)
        accept_missing_categories(job)
        return redirect(self._job_url(job))

    def resume_view(self, request, pk):
        job = self._get_job(request, pk)
        resume_import(job)
        return redirect(self._job_url(job))

    def discard_view(self, request, pk):
        job = self._get_job(request, pk)
        if job.status == ImportJob.Status.CHECKED and not is_confirmed(request):
            text = gettext("This deletes the checked rows of %(file)s. Nothing is imported.") % {"file": job}
            return ask_before_action(
                self, request, [job], gettext("Discard this import?"), text, gettext("Discard import")
            )
        if not discard_import(job):
            self.message_user(
                request, gettext("This import has already started and can’t be discarded."), messages.WARNING
            )
            return redirect(self._job_url(job))
        self.message_user(
            request, gettext("The import of %(file)s was discarded. Nothing was imported.") % {"file": job}
        )
        return redirect("admin:scenarios_importjob_changelist")

    def csv_template_view(self, request):
        return self._send_template(request, "scenarios.csv", "text/csv; charset=utf-8")

    def json_template_view(self, request):
        return self._send_template(request, "scenarios.json", "application/json")

    def _send_template(self, request, filename, content_type):
        """Return a small example pack for download."""
        self._require_add(request)
        content = (settings.BASE_DIR / "fixtures" / "packs" / filename).read_bytes()
        headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
        return HttpResponse(content, content_type=content_type, headers=headers)

    def _require_add(self, request):
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _get_job(self, request, pk):
        """Return the import, or raise Http404 or PermissionDenied."""
        self._require_add(request)
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def _job_url(self, job):
        return reverse("admin:scenarios_importjob_change", args=[job.pk])

    def _render(self, request, template, context):
        full_context = self.admin_site.each_context(request) | {"opts": self.opts} | context
        return TemplateResponse(request, f"admin/scenarios/importjob/{template}.html", full_context)

    def _build_panel(self, request, job):
        counts = dict(job.rows.values_list("outcome").annotate(Count("pk")).order_by())
        outcome = request.GET.get("outcome", "")
        rows = job.rows.filter(outcome=outcome) if outcome in counts else job.rows.all()
        page = Paginator(rows.order_by("number"), PER_PAGE).get_page(request.GET.get("page"))
        return ImportPanel(
            job=job,
            counts={value: counts[value] for value in ImportRow.Outcome.values if value in counts},
            filters=[
                (value, str(label), counts[value]) for value, label in ImportRow.Outcome.choices if value in counts
            ],
            outcome=outcome if outcome in counts else "",
            page=page,
            rows=_add_previews(job, _link_scenarios(request.user, list(page.object_list))),
            may_import=self.has_add_permission(request),
            error_groups=group_job_errors(job) if job.invalid else [],
            missing_categories=list_missing_categories(job) if job.invalid else [],
        )


def _add_previews(job, rows):
    """Set `preview` on each row: the checks that will be graded, or None if the row will not be written."""
    previews = preview_import_checks(job, rows)
    for row in rows:
        row.preview = previews.get(row.pk)
    return rows


def _link_scenarios(user, rows):
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
        row.scenario_id = (
            row.pk if row.pk in created else by_key.get(keys[row]) if row.outcome in linked_outcomes else None
        )
    return rows
