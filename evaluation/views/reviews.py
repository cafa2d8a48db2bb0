"""Pages for reviewing the evaluator's findings: the queue, agreement, single criteria, and whole evaluations."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import ReviewForm
from evaluation.models import CriterionResult, Evaluation, Review
from evaluation.reports.evaluator_report import list_agreement
from evaluation.reports.terminal_tables import agreement_cells
from evaluation.services.reviews import agree_with_rest, mark_looked_at, record_review
from evaluation.views.feedback_panel import with_rejected_review
from evaluation.views.session_frame import build_frame, get_session

PER_PAGE = 25

_requires_reviewer = permission_required("evaluation.add_review", raise_exception=True)


@login_required
@_requires_reviewer
@require_GET
def review_queue(request: AuthenticatedRequest) -> HttpResponse:
    """List feedback that needs human review: held, with crossed red lines, or from counselors who may need support."""
    rows = Evaluation.objects.reviewable_by(request.user).needing_review()
    rows = rows.select_related("session__scenario_version", "session__counselor").order_by("completed_at")
    page = get_countless_page(rows, PER_PAGE, request.GET.get("page"))
    return render(request, "evaluation/review_queue.html", {"page": page})


@login_required
@_requires_reviewer
@require_GET
def agreement(request: AuthenticatedRequest) -> HttpResponse:
    """Show how closely the evaluator and the organization's own people agree, by criterion."""
    needed = request.user.organization.agreement_min_reviews
    rows = list_agreement(Evaluation.objects.for_user(request.user).graded(), needed)
    listed = [(row, agreement_cells(row.agreement), max(0, needed - row.agreement.n)) for row in rows]
    return render(request, "evaluation/agreement.html", {"rows": listed, "min_reviews": needed})


@login_required
@_requires_reviewer
@require_POST
def criterion_review(request: AuthenticatedRequest, pk: UUID, key: str) -> HttpResponse:
    """Agree with the verdict on one criterion, or overrule it."""
    evaluation = _get_reviewable(request, pk)
    row = get_object_or_404(CriterionResult, evaluation=evaluation, key=key)
    form = ReviewForm(request.POST, criterion=row)
    problem = _save_review(request, evaluation, row, form)
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        return redirect(f"{_checks_url(evaluation)}#criterion-{row.pk}")
    context = build_frame(request, get_session(request, evaluation.session_id), "checks")
    if problem:
        context["feedback"] = with_rejected_review(context["feedback"], row, form, problem)
    shown = next(one for one in context["feedback"].criteria if one.result.pk == row.pk)
    return render(request, "evaluation/_check_update.html", context | {"criterion": shown, "is_open": True})


def _save_review(request: AuthenticatedRequest, evaluation: Evaluation, row: CriterionResult, form: ReviewForm) -> str:
    """Save the review in the form. Return the reason if it was not saved, or else an empty string."""
    if not form.is_valid():
        return _("Your review was not saved. Choose a verdict and enter a reason.")
    new = form.new_verdict
    verdict = Review.Verdict.OVERRULE if new and new != row.verdict else Review.Verdict.AGREE
    try:
        record_review(evaluation, request.user, verdict, form.cleaned_data["reason"], row, new)
    except ValidationError as error:
        return str(error.message)
    return ""


@login_required
@_requires_reviewer
@require_POST
def evaluation_agree(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Agree with every verdict of the feedback that is neither reviewed nor disputed."""
    evaluation = _get_reviewable(request, pk)
    count = agree_with_rest(evaluation, request.user)
    if count:
        text = ngettext("You agreed with %(count)s check.", "You agreed with %(count)s checks.", count)
        messages.success(request, text % {"count": count})
    else:
        messages.info(request, _("Every check is reviewed already."))
    return redirect(_checks_url(evaluation))


@login_required
@_requires_reviewer
@require_POST
def evaluation_looked_at(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Record that a person has reviewed the feedback, and release held feedback to the counselor."""
    evaluation = _get_reviewable(request, pk)
    was_held = evaluation.is_held
    if not mark_looked_at(evaluation, request.user):
        messages.info(request, _("Someone has already reviewed this."))
    elif was_held:
        messages.success(request, _("Feedback released. The counselor can read it now."))
    else:
        messages.success(request, _("Marked as reviewed."))
    return redirect("evaluation:session", pk=evaluation.session_id)


def _checks_url(evaluation: Evaluation) -> str:
    return reverse("evaluation:session_checks", args=[evaluation.session_id])


def _get_reviewable(request: AuthenticatedRequest, pk: UUID) -> Evaluation:
    """Return graded feedback on another person's session. Raise Http404 for the user's own session."""
    rows = Evaluation.objects.reviewable_by(request.user)
    return get_object_or_404(rows.select_related("session__counselor", "session__scenario_version"), pk=pk)
