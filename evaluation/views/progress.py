"""Pages about a counselor's progress: scores by week, the next practice, and the evidence for each score."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.reports.progress import SKILL_NAMES, list_skill_progress, plot_scores, recommend_practice
from evaluation.services.weekly_tallies import SCENARIO_SKILL
from training.models import Session

WEEKS, PER_PAGE = 26, 10  # weeks plotted; conversations per page of evidence


@login_required
@require_GET
def progress(request: AuthenticatedRequest) -> HttpResponse:
    """Show the user's own progress, or another person's if the user may read their feedback."""
    person = _requested_counselor(request)
    rows = Tally.objects.for_user(request.user).filter(counselor=person)
    skills = list_skill_progress(rows, WEEKS)
    context = {
        "person": person,
        "is_own": person == request.user,
        "overall": plot_scores(rows, WEEKS),
        "skills": skills,
        "advice": recommend_practice(person, skills),
    }
    return render(request, "evaluation/progress.html", context)


@login_required
@require_GET
def skill_evidence(request: AuthenticatedRequest, skill: str) -> HttpResponse:
    """Show every verdict behind a skill's chart, newest first, with its first quote."""
    if skill not in SKILL_NAMES:
        raise Http404
    person = _requested_counselor(request)
    sessions = Session.objects.for_user(request.user).without_trials().filter(counselor=person, score__isnull=False)
    page = get_countless_page(sessions.select_related("scenario_version"), PER_PAGE, request.GET.get("page"))
    by_session = _results_by_session(request.user, page.object_list, skill)
    page.object_list = [(one, by_session[one.pk]) for one in page.object_list if one.pk in by_session]
    context = {"person": person, "is_own": person == request.user, "name": _(SKILL_NAMES[skill]), "page": page}
    return render(request, "evaluation/skill_evidence.html", context)


def _results_by_session(reader: User, sessions: list[Session], skill: str) -> dict[UUID, list[CriterionResult]]:
    """Return the results on a skill by session, from the newest feedback on each. Sessions without any are left out."""
    feedback = Evaluation.objects.for_user(reader).filter(session__in=sessions).latest_completed()
    of_skill = {"source": CriterionResult.Source.SCENARIO} if skill == SCENARIO_SKILL else {"branch": skill}
    rows = CriterionResult.objects.for_evaluations(feedback).applying().filter(**of_skill)
    found: dict[UUID, list[CriterionResult]] = {}
    for row in rows.select_related("evaluation").order_by("position"):
        found.setdefault(row.evaluation.session_id, []).append(row)
    return found


def _requested_counselor(request: AuthenticatedRequest) -> User:
    """Return the person named by `?person=`, or else the user. Raise Http404 if the user may not see them."""
    wanted = request.GET.get("person")
    if not wanted:
        return request.user
    try:
        pk = UUID(wanted)
    except ValueError:
        raise Http404 from None
    found: User = get_object_or_404(User.objects.for_user(request.user), pk=pk)
    return found
