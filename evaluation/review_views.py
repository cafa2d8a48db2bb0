"""Where people look at what the evaluator found: the queue, a criterion, a whole."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.http import SignedInRequest
from accounts.open_ended import page_of
from evaluation.forms import ReviewForm
from evaluation.models import CriterionResult, Evaluation, Review
from evaluation.reading import feedback_context
from evaluation.services.reporting import agreement_rows
from evaluation.services.reviewing import look_at, review
from evaluation.tables import cells_of

PER_PAGE = 25

_reviews = permission_required("evaluation.add_review", raise_exception=True)


@login_required
@_reviews
@require_GET
def waiting(request: SignedInRequest) -> HttpResponse:
    """What waits for a person: held feedback, crossed red lines, and who may need support."""
    rows = Evaluation.objects.for_user(request.user).waiting_for_person()
    rows = rows.select_related("session__scenario_version", "session__counselor").order_by("completed_at")
    page = page_of(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "evaluation/waiting.html", {"page": page})


@login_required
@_reviews
@require_GET
def agreement(request: SignedInRequest) -> HttpResponse:
    """How far the evaluator and the organization's own people agree, by criterion."""
    rows = agreement_rows(Evaluation.objects.for_user(request.user).graded())
    return render(request, "evaluation/agreement.html", {"rows": [(row, cells_of(row.agreement)) for row in rows]})


@login_required
@_reviews
@require_POST
def criterion_review(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    evaluation = _graded(request, pk)
    row = get_object_or_404(CriterionResult, evaluation=evaluation, key=key)
    form = ReviewForm(request.POST, criterion=row)
    if form.is_valid():
        new = form.new_verdict
        verdict = Review.Verdict.OVERRULE if new and new != row.verdict else Review.Verdict.AGREE
        review(evaluation, request.user, verdict, form.cleaned_data["reason"], row, new)
    else:
        messages.error(request, "The review was not kept: say what it should be, and why.")
    if not request.htmx:
        return redirect(f"{reverse('session', args=[evaluation.session_id])}#criterion-{row.pk}")
    evaluation.refresh_from_db()
    context = feedback_context(request, evaluation.session, evaluation)
    return render(request, "evaluation/_feedback.html", context | {"opened": row.pk})


@login_required
@_reviews
@require_POST
def looked_at(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A person has looked; feedback that was held goes to the counselor."""
    evaluation = _graded(request, pk)
    was_held = evaluation.is_held
    if not look_at(evaluation, request.user):
        messages.info(request, "Somebody had looked at it already.")
    elif was_held:
        messages.success(request, "The counselor can read this feedback now.")
    else:
        messages.success(request, "It no longer waits for a person.")
    return redirect("session", pk=evaluation.session_id)


def _graded(request: SignedInRequest, pk: UUID) -> Evaluation:
    """Graded feedback of somebody else's; nobody reviews their own."""
    rows = Evaluation.objects.for_user(request.user).graded().exclude(session__counselor=request.user)
    return get_object_or_404(rows.select_related("session__counselor", "session__scenario_version"), pk=pk)
