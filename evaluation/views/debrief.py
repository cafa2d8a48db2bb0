"""Pages for counselors after a conversation: rating, problem report, dispute, name, and transcript download."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import DisputeForm, ProblemReportForm, SessionFeelingForm, SessionNameForm, first_error
from evaluation.models import Evaluation
from evaluation.reports.transcript_export import transcript_as_dict, transcript_as_text
from evaluation.services.flags import dispute_verdict, report_problem
from training.models import Session
from training.services.sessions import stop_session
from training.services.wellbeing import record_feeling


def _get_own_session(request: AuthenticatedRequest, pk: UUID) -> Session:
    return get_object_or_404(Session.objects.for_counselor(request.user), pk=pk)


def _redirect_to_session(session: Session, fragment: str = "", view: str = "session") -> HttpResponse:
    return redirect(reverse(f"evaluation:{view}", args=[session.pk]) + fragment)


@login_required
@require_POST
def session_stop(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Stop the user's own conversation. It is not graded, does not count as an attempt, and needs no reason."""
    session = _get_own_session(request, pk)
    if not stop_session(session) and not session.was_stopped:
        messages.info(request, _("This session had already ended, so it wasn’t stopped."))
    return _redirect_to_session(session)


@login_required
@require_POST
def session_feeling(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Save the user's rating of how their own conversation felt."""
    session, form = _get_own_session(request, pk), SessionFeelingForm(request.POST)
    if form.is_valid():
        record_feeling(session, form.cleaned_data["feeling"], form.cleaned_data["note"])
        messages.success(request, _("Thank you. Your supervisors can read your answer."))
    else:
        messages.error(request, first_error(form))
    return _redirect_to_session(session, "#care")


@login_required
@require_POST
def session_rename(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Rename the user's own conversation. An empty name restores the scenario title."""
    session, form = _get_own_session(request, pk), SessionNameForm(request.POST)
    if form.is_valid():
        Session.objects.for_counselor(request.user).filter(pk=pk).update(name=form.cleaned_data["name"])
    else:
        messages.error(request, first_error(form))
    return _redirect_to_session(session)


@login_required
@require_POST
def session_report(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Report a problem to the supervisors, at most ten times an hour."""
    session, form = _get_own_session(request, pk), ProblemReportForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return _redirect_to_session(session, "#report")
    try:
        report_problem(session, request.user, form.cleaned_data["kind"], form.cleaned_data["text"])
    except RateLimitExceededError as error:
        messages.error(request, str(error))
        messages.info(request, _("Your report was not sent: “%(text)s”") % {"text": form.cleaned_data["text"]})
    else:
        messages.success(request, _("Thank you for your report. A supervisor will look into it."))
    return _redirect_to_session(session, "#report")


@login_required
@require_POST
def criterion_dispute(request: AuthenticatedRequest, pk: UUID, key: str) -> HttpResponse:
    """Ask a person to recheck one verdict in the user's own feedback."""
    own = Evaluation.objects.for_user(request.user).filter(
        status=Evaluation.Status.COMPLETED, session__in=Session.objects.for_counselor(request.user)
    )
    evaluation = get_object_or_404(own.select_related("session"), pk=pk)
    criterion = get_object_or_404(evaluation.criteria, key=key)
    form = DisputeForm(request.POST)
    if form.is_valid():
        dispute_verdict(criterion, request.user, form.cleaned_data["reason"])
        messages.success(request, _("A person will review this verdict. Their decision takes precedence."))
    else:
        messages.error(request, first_error(form))
    return _redirect_to_session(evaluation.session, f"#criterion-{criterion.pk}", "session_checks")


@login_required
@require_GET
def transcript_export(request: AuthenticatedRequest, pk: UUID, kind: str) -> HttpResponse:
    """Download the transcript of a conversation as a JSON or text file."""
    exportable = Session.objects.exportable_by(request.user).select_related("scenario_version")
    session = get_object_or_404(exportable, pk=pk)
    if kind == "json":
        response: HttpResponse = JsonResponse(
            transcript_as_dict(session), json_dumps_params={"indent": 2, "ensure_ascii": False}
        )
    else:
        response = HttpResponse(transcript_as_text(session), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="steadyline-{session.pk}.{kind}"'
    return response
