"""A counselor's own documentation of a conversation: handed in, compared, read."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import SignedInRequest
from evaluation.documents import DocumentRefused
from evaluation.forms import DocumentationForm
from evaluation.models import DocumentationReview
from evaluation.services.documenting import may_document, retry_documentation, submit_documentation
from training.models import Session


@login_required
@require_http_methods(["GET", "POST"])
def documentation(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The report alone, which the page polls while it is made; a POST hands the documentation in."""
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
        except DocumentRefused as refused:
            messages.error(request, str(refused))
    else:
        messages.error(request, "Choose a file first.")
    return redirect(f"{reverse('session', args=[pk])}#documentation")


@login_required
@require_POST
def documentation_retry(request: SignedInRequest, pk: UUID) -> HttpResponse:
    review = get_object_or_404(DocumentationReview.objects.for_user(request.user), session_id=pk)
    if not retry_documentation(review):
        messages.info(request, "It has not failed.")
    return redirect(f"{reverse('session', args=[pk])}#documentation")


def documentation_context(request: SignedInRequest, session: Session) -> dict[str, Any]:
    """The report, or a form for who may hand something in now."""
    review = DocumentationReview.objects.for_user(request.user).filter(session=session).first()
    form = DocumentationForm() if review is None and may_document(session, request.user) else None
    return {"session": session, "documentation": review, "documentation_form": form}
