"""Pages for a counselor's own documentation of a conversation: submission and report."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.web.requests import AuthenticatedRequest
from evaluation.files.text_extraction import DocumentRejectedError
from evaluation.forms import DocumentationForm
from evaluation.models import DocumentationReview
from evaluation.services.documentation import can_submit_documentation, retry_documentation, submit_documentation
from training.models import Session


@login_required
@require_http_methods(["GET", "POST"])
def documentation(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Render the report fragment, which the page polls while it is prepared. POST submits the documentation."""
    session = get_object_or_404(Session.objects.for_user(request.user), pk=pk)
    context = documentation_context(request, session)
    if request.method == "GET":
        return render(request, "evaluation/_documentation.html", context)
    if session.counselor_id != request.user.pk:
        raise PermissionDenied
    form = DocumentationForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            submit_documentation(session, request.user, form.cleaned_data["document"])
        except DocumentRejectedError as refused:
            messages.error(request, str(refused))
    else:
        messages.error(request, "Choose a file first.")
    return redirect(f"{reverse('evaluation:session', args=[pk])}#documentation")


@login_required
@require_POST
def documentation_retry(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Retry a comparison that failed."""
    review = get_object_or_404(DocumentationReview.objects.for_user(request.user), session_id=pk)
    if not retry_documentation(review):
        messages.info(request, "It has not failed.")
    return redirect(f"{reverse('evaluation:session', args=[pk])}#documentation")


def documentation_context(request: AuthenticatedRequest, session: Session) -> dict[str, Any]:
    """Build the template context: the report, or a form if the user may submit documentation now."""
    review = DocumentationReview.objects.for_user(request.user).filter(session=session).first()
    form = DocumentationForm() if review is None and can_submit_documentation(session, request.user) else None
    return {"session": session, "documentation": review, "documentation_form": form}
