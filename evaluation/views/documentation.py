"""Pages for a counselor's own documentation of a conversation: submission and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.procedures.unread_parts import explain_unread_parts
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.requests import AuthenticatedRequest
from evaluation.files.text_extraction import DocumentRejectedError
from evaluation.forms import DocumentationForm
from evaluation.grading.documentation_report import DocumentationGap
from evaluation.models import DocumentationReview
from evaluation.services.documentation import (
    ReadDocumentation,
    can_submit_documentation,
    read_documentation,
    retry_documentation,
    submit_documentation,
)
from training.models import Session

_KIND_LABELS = {
    "fabrication": gettext_lazy("Not in the conversation"),
    "inaccuracy": gettext_lazy("Inaccurate"),
    "minimization": gettext_lazy("Understated"),
    "omission": gettext_lazy("Left out"),
    "formatting": gettext_lazy("Guideline not followed"),
}
_SEVERITY_LABELS = {
    "minor": gettext_lazy("Minor"),
    "moderate": gettext_lazy("Moderate"),
    "serious": gettext_lazy("Serious"),
}


@dataclass(frozen=True)
class ShownGap:
    """A gap in the report, with the names of its kind and severity."""

    gap: DocumentationGap
    kind: str
    severity: str


@dataclass(frozen=True)
class DocumentationPanel:
    """A counselor's documentation with its report, or the form to submit it."""

    review: DocumentationReview | None
    form: DocumentationForm | None  # None once documentation has been submitted
    may_retry: bool = False
    gaps: Sequence[ShownGap] = ()  # most serious first

    @property
    def unread(self) -> list[str]:
        """Sentences about the parts of the submitted file that were not read."""
        return explain_unread_parts(self.review.unread) if self.review else []


@login_required
@require_http_methods(["GET", "POST"])
def documentation(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the report fragment, which the page polls while it is being prepared.

    POST shows what was read from a file, and submits it once the counselor confirms it.
    """
    session = get_object_or_404(Session.objects.for_user(request.user), pk=pk)
    if request.method == "GET":
        context = {"session": session, "documentation": build_documentation_panel(request, session)}
        return render(request, "evaluation/_documentation.html", context)
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
    return redirect(f"{reverse('evaluation:session', args=[pk])}#documentation")


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
    return redirect(f"{reverse('evaluation:session', args=[pk])}#documentation")


def build_documentation_panel(request: AuthenticatedRequest, session: Session) -> DocumentationPanel | None:
    """Return the report, or a form if the user may submit documentation now, or None if there is neither."""
    review = DocumentationReview.objects.for_user(request.user).filter(session=session).first()
    if review is not None:
        may_retry = DocumentationReview.objects.retryable_by(request.user).filter(pk=review.pk).exists()
        return DocumentationPanel(review, None, may_retry, [_build_gap(gap) for gap in review.gaps])
    if can_submit_documentation(session, request.user):
        return DocumentationPanel(None, DocumentationForm())
    return None


def _build_gap(stored: Mapping[str, str]) -> ShownGap:
    kind, severity = stored["kind"], stored["severity"]
    return ShownGap(
        DocumentationGap(**stored), str(_KIND_LABELS.get(kind, kind)), str(_SEVERITY_LABELS.get(severity, severity))
    )
