"""Pages for a counselor's own documentation of a conversation: submission and report."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.requests import AuthenticatedRequest
from evaluation.files.text_extraction import DocumentRejectedError
from evaluation.forms import DocumentationForm
from evaluation.models import DocumentationReview
from evaluation.services.documentation import (
    ReadDocumentation,
    read_documentation,
    retry_documentation,
    submit_documentation,
)
from evaluation.views.session_frame import build_frame, get_session
from training.models import Session


@login_required
@require_http_methods(["GET", "POST"])
def documentation(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show the report, or its fragment, which the page polls while it is being prepared.

    POST shows what was read from a file, and submits it once the counselor confirms it.
    """
    session = get_session(request, pk)
    if request.method == "GET":
        fragment, page = "evaluation/_documentation.html", "evaluation/session_documentation.html"
        return render(request, fragment if request.htmx else page, build_frame(request, session, "documentation"))
    if session.counselor_id != request.user.pk:
        raise PermissionDenied
    try:
        document = _receive_documentation(request, session)
        if document.needs_preview and "confirmed" not in request.POST:
            preview = {"session": session, "document": document, "signed": document.sign(session)}
            return render(request, "evaluation/documentation_preview.html", preview)
        submit_documentation(session, request.user, document)
    except (DocumentRejectedError, RateLimitExceededError) as error:
        messages.error(request, str(error))
    return redirect("evaluation:session_documentation", pk=pk)


def _receive_documentation(request: AuthenticatedRequest, session: Session) -> ReadDocumentation:
    """Return the uploaded document, or the one from the confirmed preview. Raise DocumentRejectedError."""
    if "confirmed" in request.POST:
        return ReadDocumentation.unsign(session, request.POST["confirmed"])
    form = DocumentationForm(request.POST, request.FILES)
    if not form.is_valid():
        raise DocumentRejectedError(_("Choose a file to upload."))
    return read_documentation(session, request.user, form.cleaned_data["document"])


@login_required
@require_POST
def documentation_retry(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Retry a comparison that failed."""
    review = get_object_or_404(DocumentationReview.objects.retryable_by(request.user), session_id=pk)
    try:
        if not retry_documentation(review, request.user):
            messages.info(request, _("The comparison didn’t fail, so there is nothing to retry."))
    except RateLimitExceededError as error:
        messages.error(request, str(error))
    return redirect("evaluation:session_documentation", pk=pk)
