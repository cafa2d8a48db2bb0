"""Import of a scenario pack: upload, preview of every row, confirmation, progress, and result."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from scenarios.downloads import send_pack_template
from scenarios.forms.import_form import ImportUploadForm
from scenarios.models import ImportJob
from scenarios.services.import_columns import describe_pack_columns
from scenarios.services.import_errors import accept_missing_categories
from scenarios.services.import_panels import build_import_panel
from scenarios.services.imports import MAX_BYTES, allow_partial, discard_import, resume_import, start_import

IMPORTS_PER_PAGE = 10

_requires_view = permission_required("scenarios.view_importjob", raise_exception=True)
_requires_add = permission_required("scenarios.add_importjob", raise_exception=True)


def _find_job(request: AuthenticatedRequest, pk: UUID) -> ImportJob:
    jobs = ImportJob.objects.for_user(request.user).select_related("created_by", "account")
    return get_object_or_404(jobs, pk=pk)


@login_required
@_requires_add
@require_http_methods(["GET", "POST"])
def import_new(request: AuthenticatedRequest) -> HttpResponse:
    """Check an uploaded pack row by row, and list recent imports. The library is not changed yet."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ImportUploadForm(request.user, *sent, initial=request.GET.dict())
    job = form.stage_import(request.user) if form.is_valid() else None
    if job:
        return redirect("scenarios:import_detail", job.pk)
    recent = ImportJob.objects.for_user(request.user).select_related("created_by")
    is_open_only = request.GET.get("state") == "open"
    recent = recent.not_started() if is_open_only else recent
    context = {
        "is_open_only": is_open_only,
        "form": form,
        "columns": describe_pack_columns(),
        "max_bytes": MAX_BYTES,
        "page": get_countless_page(recent, IMPORTS_PER_PAGE, request.GET.get("page")),
    }
    return render(request, "scenarios/import_new.html", context)


@login_required
@_requires_add
@require_GET
def import_template(request: AuthenticatedRequest, kind: str) -> HttpResponse:
    """Download a small example pack."""
    return send_pack_template(kind)


@login_required
@_requires_view
@require_GET
def import_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show an import: the preview of each row, then the progress, then the result."""
    panel = build_import_panel(_find_job(request, pk), request.user, request.GET)
    return render(request, "scenarios/import_detail.html", {"panel": panel})


@login_required
@_requires_view
@require_GET
def import_progress(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Return the fragment that the page polls while the import is under way."""
    panel = build_import_panel(_find_job(request, pk), request.user, request.GET)
    return render(request, "scenarios/_import.html", {"panel": panel})


@login_required
@_requires_add
@require_POST
def import_begin(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Start a checked import, once. With `anyway`, invalid rows are left out."""
    job = _find_job(request, pk)
    if "anyway" in request.POST:
        allow_partial(job)
    if not start_import(job) and job.status == ImportJob.Status.CHECKED:
        messages.warning(request, _("Nothing was imported. The file has invalid rows."))
    return redirect("scenarios:import_detail", pk)


@login_required
@_requires_add
@require_POST
def import_categories(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Let the import create the missing categories, as if “Create categories” had been checked."""
    accept_missing_categories(_find_job(request, pk))
    return redirect("scenarios:import_detail", pk)


@login_required
@_requires_add
@require_POST
def import_resume(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    resume_import(_find_job(request, pk))
    return redirect("scenarios:import_detail", pk)


@login_required
@_requires_add
@require_POST
def import_discard(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete a pack whose import has not started."""
    job = _find_job(request, pk)
    if job.status == ImportJob.Status.CHECKED and not is_confirmed(request):
        text = _("This deletes the checked rows of %(file)s. Nothing is imported.") % {"file": job}
        back = reverse("scenarios:import_detail", args=[pk])
        return ask_first(request, Question(_("Discard this import?"), text, _("Discard import"), back))
    if not discard_import(job):
        messages.warning(request, _("This import has already started and can’t be discarded."))
        return redirect("scenarios:import_detail", pk)
    messages.success(request, _("The import of %(file)s was discarded. Nothing was imported.") % {"file": job})
    return redirect("scenarios:import_new")
