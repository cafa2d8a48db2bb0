"""What a counselor does after a conversation: says how it was, reports a problem, disputes a verdict, names it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.http import SignedInRequest
from accounts.limits import TooOften
from evaluation.forms import DisputeForm, FeelingForm, NameForm, ReportForm, first_problem
from evaluation.models import CriterionResult
from evaluation.services.reports import dispute, report
from evaluation.transcripts import as_data, as_text
from training.models import Session
from training.services.care import say_feeling
from training.services.sessions import stop_session


def _own(request: SignedInRequest, pk: UUID) -> Session:
    return get_object_or_404(Session.objects.held_by(request.user), pk=pk)


def _back(session: Session, place: str = "") -> HttpResponse:
    return redirect(reverse("session", args=[session.pk]) + place)


@login_required
@require_POST
def session_stop(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Enough of it: no grade, no attempt, no question why."""
    session = _own(request, pk)
    stop_session(session)
    return _back(session)


@login_required
@require_POST
def session_feeling(request: SignedInRequest, pk: UUID) -> HttpResponse:
    session, form = _own(request, pk), FeelingForm(request.POST)
    if form.is_valid():
        say_feeling(session, form.cleaned_data["feeling"], form.cleaned_data["note"])
        messages.success(request, "Thank you. Your supervisors can see it.")
    else:
        messages.error(request, first_problem(form))
    return _back(session, "#care")


@login_required
@require_POST
def session_name(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What its counselor calls a conversation; an empty name gives it back its title."""
    session, form = _own(request, pk), NameForm(request.POST)
    if form.is_valid():
        Session.objects.held_by(request.user).filter(pk=pk).update(name=form.cleaned_data["name"])
    else:
        messages.error(request, first_problem(form))
    return _back(session)


@login_required
@require_POST
def session_report(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Report a problem to the supervisors, at most ten an hour."""
    session, form = _own(request, pk), ReportForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_problem(form))
        return _back(session, "#report")
    try:
        report(session, request.user, form.cleaned_data["kind"], form.cleaned_data["text"])
    except TooOften as too_many:
        messages.error(request, f"{too_many} What you wrote: {form.cleaned_data['text']}")
    else:
        messages.success(request, "Reported. A supervisor looks into it.")
    return _back(session, "#report")


@login_required
@require_POST
def criterion_dispute(request: SignedInRequest, pk: UUID, key: str) -> HttpResponse:
    """Ask a person to look at one verdict of one's own feedback."""
    own = CriterionResult.objects.filter(
        evaluation__status="completed", evaluation__session__in=Session.objects.held_by(request.user)
    )
    criterion = get_object_or_404(own.select_related("evaluation__session"), evaluation=pk, key=key)
    form = DisputeForm(request.POST)
    if form.is_valid():
        dispute(criterion, request.user, form.cleaned_data["reason"])
        messages.success(request, "A person will look at it. What they say counts.")
    else:
        messages.error(request, first_problem(form))
    return _back(criterion.evaluation.session, f"#criterion-{criterion.pk}")


@login_required
@require_GET
def session_export(request: SignedInRequest, pk: UUID, kind: str) -> HttpResponse:
    """The words of a conversation as a file."""
    session = get_object_or_404(Session.objects.for_user(request.user).select_related("scenario_version"), pk=pk)
    if kind == "json":
        response: HttpResponse = JsonResponse(as_data(session), json_dumps_params={"indent": 2, "ensure_ascii": False})
    else:
        response = HttpResponse(as_text(session), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="steadyline-{session.pk}.{kind}"'
    return response
