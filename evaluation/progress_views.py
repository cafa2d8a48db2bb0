"""A counselor's own way: how far, where next, and the words that each number rests on."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.http import SignedInRequest
from accounts.models import User
from accounts.open_ended import page_of
from evaluation.models import CriterionResult, Evaluation, Tally
from evaluation.services.progress import NAMES, advise, skills_of, whole_plot
from evaluation.services.tallying import SCENARIO
from training.models import Session

WEEKS, PER_PAGE = 26, 10  # conversations on a page of evidence


@login_required
@require_GET
def progress(request: SignedInRequest) -> HttpResponse:
    """One's own progress; somebody else's for whoever may read their feedback."""
    person = _person(request)
    rows = Tally.objects.for_user(request.user).filter(counselor=person)
    skills = skills_of(rows, WEEKS)
    context = {
        "person": person,
        "is_own": person == request.user,
        "whole": whole_plot(rows, WEEKS),
        "skills": skills,
        "advice": advise(person, skills),
    }
    return render(request, "evaluation/progress.html", context)


@login_required
@require_GET
def evidence(request: SignedInRequest, skill: str) -> HttpResponse:
    """Every verdict that a skill's line is drawn from, newest first, with the words it rests on."""
    if skill not in NAMES:
        raise Http404
    person = _person(request)
    sessions = Session.objects.for_user(request.user).practised().filter(counselor=person, score__isnull=False)
    page = page_of(sessions.select_related("scenario_version"), PER_PAGE, request.GET.get("page"))
    by_session = _verdicts(request.user, page.object_list, skill)
    page.object_list = [(one, by_session[one.pk]) for one in page.object_list if one.pk in by_session]
    context = {"person": person, "is_own": person == request.user, "name": NAMES[skill], "page": page}
    return render(request, "evaluation/evidence.html", context)


def _verdicts(reader: User, sessions: list[Session], skill: str) -> dict[UUID, list[CriterionResult]]:
    """What was judged of a skill in the newest feedback of each session that has something to say about it."""
    feedback = Evaluation.objects.for_user(reader).filter(session__in=sessions).newest_of_each()
    of_skill = {"source": CriterionResult.Source.SCENARIO} if skill == SCENARIO else {"branch": skill}
    rows = CriterionResult.objects.filter(evaluation__in=feedback, **of_skill).exclude(verdict="not_applicable")
    found: dict[UUID, list[CriterionResult]] = {}
    for row in rows.select_related("evaluation").order_by("position"):
        found.setdefault(row.evaluation.session_id, []).append(row)
    return found


def _person(request: SignedInRequest) -> User:
    wanted = request.GET.get("person")
    if not wanted:
        return request.user
    try:
        pk = UUID(wanted)
    except ValueError:
        raise Http404 from None
    found: User = get_object_or_404(User.objects.for_user(request.user), pk=pk)
    return found
