"""Pages about a counselor's progress: scores by week, the next practice, and the evidence for each score."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Case, When
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from evaluation.filter_forms import ProgressSpanForm
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.reports.progress import (
    SKILL_NAMES,
    count_red_lines,
    list_skill_progress,
    plot_scores,
    rank_skills,
    recommend_practice,
)
from evaluation.services.weekly_tallies import SCENARIO_SKILL
from training.models import Session

WEEKS, PER_PAGE = 26, 10  # weeks plotted; conversations per page of evidence
RECENT = 5  # conversations below the skills


@login_required
@require_GET
def progress(request: AuthenticatedRequest) -> HttpResponse:
    """Show the user's own progress, or another person's if the user may read their feedback."""
    person = _requested_counselor(request)
    span = ProgressSpanForm(request.GET)
    rows = Tally.objects.for_user(request.user).filter(counselor=person)
    skills = list_skill_progress(rows, span.weeks)
    context = {
        "person": person,
        "is_own": person == request.user,
        "span": span,
        "overall": plot_scores(rows, span.weeks),
        "skills": rank_skills(skills),
        "advice": recommend_practice(person, skills),
        "red_lines": count_red_lines(request.user, person, span.weeks),
        "recent": _recent_feedback(request.user, person),
    }
    return render(request, "evaluation/progress.html", context)


@login_required
@require_GET
def skill_evidence(request: AuthenticatedRequest, skill: str) -> HttpResponse:
    """Show every verdict behind a skill, newest first, with its first quote."""
    if skill not in SKILL_NAMES:
        raise Http404
    person = _requested_counselor(request)
    sessions = Session.objects.for_user(request.user).without_trials().filter(counselor=person, score__isnull=False)
    page = get_countless_page(sessions.select_related("scenario_version"), PER_PAGE, request.GET.get("page"))
    by_session = _results_by_session(request.user, page.object_list, skill)
    page.object_list = [(one, by_session[one.pk]) for one in page.object_list if one.pk in by_session]
    tallies = Tally.objects.for_user(request.user).filter(counselor=person)
    context = {
        "person": person,
        "is_own": person == request.user,
        "name": _(SKILL_NAMES[skill]),
        "page": page,
        "skill": next((one for one in list_skill_progress(tallies, WEEKS) if one.key == skill), None),
    }
    return render(request, "evaluation/skill_evidence.html", context)


def _recent_feedback(reader: User, person: User) -> list[Evaluation]:
    """Return the newest feedback on `person` that `reader` may see."""
    shown = Evaluation.objects.for_user(reader).latest_completed().filter(session__counselor=person)
    listed = shown.exclude(session__kind=Session.Kind.TRIAL).select_related("session__scenario_version")
    return list(listed.order_by("-session__started_at")[:RECENT])


def _results_by_session(reader: User, sessions: list[Session], skill: str) -> dict[UUID, list[CriterionResult]]:
    """Return the results on a skill by session, from the newest feedback on each. Sessions without any are left out."""
    feedback = Evaluation.objects.for_user(reader).filter(session__in=sessions).latest_completed()
    of_skill = {"source": CriterionResult.Source.SCENARIO} if skill == SCENARIO_SKILL else {"branch": skill}
    rows = CriterionResult.objects.for_evaluations(feedback).applying().filter(**of_skill)
    found: dict[UUID, list[CriterionResult]] = {}
    # What was not met comes first.
    for row in rows.select_related("evaluation").order_by(Case(When(final="met", then=1), default=0), "position"):
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
