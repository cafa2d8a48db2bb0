"""Admin pages for importing scenario packs, for support. The product's own pages are in `scenarios.views.imports`."""

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from accounts.admin import TenantAdmin, UnchangingAdminMixin
from accounts.web.confirmation import ask_before_action, is_confirmed
from scenarios.downloads import send_pack_template
from scenarios.forms.import_form import ImportUploadForm
from scenarios.models import ImportJob
from scenarios.services.import_columns import describe_pack_columns
from scenarios.services.import_errors import accept_missing_categories
from scenarios.services.import_panels import build_import_panel
from scenarios.services.imports import MAX_BYTES, allow_partial, discard_import, resume_import, start_import


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
        context = {"title": title, "original": job, "panel": build_import_panel(job, request.user, request.GET)}
        return self._render(request, "job", context)

    def progress_view(self, request, pk):
        """Return the fragment that the page polls while the import is in progress."""
        panel = build_import_panel(self._get_job(request, pk), request.user, request.GET)
        return self._render(request, "_job", {"panel": panel})

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
        return self._send_template(request, "csv")

    def json_template_view(self, request):
        return self._send_template(request, "json")

    def _send_template(self, request, kind):
        self._require_add(request)
        return send_pack_template(kind)

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
