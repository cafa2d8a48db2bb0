"""Scenario editor: four steps, saved as typed, tried at any time, and published when they are complete."""

import logging
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import ProcedureSection
from accounts.services.rate_limits import RateLimitExceededError, UsageKind, spend
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.requests import AuthenticatedRequest
from scenarios.forms.editor_form import STEPS, TypedFields, last, merge_step, without_checks
from scenarios.models import ContextUnavailableError, Scenario, ScenarioWorkingCopy
from scenarios.models.visitor_survey import format_survey
from scenarios.services.check_previews import preview_checks
from scenarios.services.evaluator_contexts import read_context_file
from scenarios.services.working_copies import (
    EditedScenario,
    OtherWindowError,
    OutdatedCopyError,
    build_form,
    discard,
    find_edited,
    is_free,
    keep_own,
    propose_again,
    publish,
    save_step,
)
from scenarios.views.editor_page import render_parts, render_step, saved_words

logger = logging.getLogger(__name__)

_requires_view = permission_required("scenarios.view_scenario", raise_exception=True)
_requires_change = permission_required("scenarios.change_scenario", raise_exception=True)
_requires_add = permission_required("scenarios.add_scenario", raise_exception=True)


@login_required
@_requires_add
@require_GET
def scenario_new(request: AuthenticatedRequest) -> HttpResponse:
    """Show the first step of a new scenario. It is kept from the first save on."""
    return render_step(request, EditedScenario(uuid4()), "caller", is_new=True)


@login_required
@_requires_view
@require_http_methods(["GET", "POST"])
def scenario_edit(request: AuthenticatedRequest, pk: UUID, step: str = "caller") -> HttpResponse:
    """Show a step, or save it and go on. People who may only view see the scenario as it is."""
    edited = _find_or_404(request, pk, step)
    if not request.user.has_perm("scenarios.change_scenario"):
        if request.method == "POST":
            raise PermissionDenied
        return _render_read_only(request, edited)
    if request.method == "GET":
        return render_step(request, edited, step)
    try:
        edited = _save_posted(request, edited, step)
    except OtherWindowError:
        mine = _with_posted(request, edited, step)
        return render_step(request, mine, step, status=409, is_other_window=True)
    except (ValidationError, RateLimitExceededError) as error:
        return _explain_file(request, edited, step, error)
    return _go_on(request, edited, step)


def _find_or_404(request: AuthenticatedRequest, pk: UUID, step: str) -> EditedScenario:
    if step not in STEPS:
        raise Http404
    try:
        edited = find_edited(request.user, pk)
    except ContextUnavailableError as error:
        raise Http404 from error
    may_create = "is_new" in request.POST and request.user.has_perm("scenarios.add_scenario")
    if edited is None and may_create and is_free(pk):
        edited = EditedScenario(pk)
    if edited is None:
        raise Http404
    return edited


def _render_read_only(request: AuthenticatedRequest, edited: EditedScenario) -> HttpResponse:
    scenario = edited.scenario
    if scenario is None:
        raise Http404
    context = {
        "scenario": scenario,
        "evaluator_context": edited.stored_context,
        "survey": format_survey(scenario.visitor_survey),
        "preview": preview_checks(scenario.checks, edited.stored_context),
    }
    return render(request, "scenarios/scenario_detail.html", context)


@login_required
@_requires_view
@require_GET
def scenario_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show a scenario as it is published."""
    return _render_read_only(request, _find_or_404(request, pk, "caller"))


# Saving


def _posted_fields(request: AuthenticatedRequest) -> TypedFields:
    """Return what was sent, with an uploaded text as the evaluator context and a pressed section added or removed."""
    posted = {name: list(map(str, values)) for name, values in request.POST.lists()}
    if file := request.FILES.get("context_file"):
        spend(UsageKind.UPLOADS, request.user)
        posted["evaluator_context"] = [read_context_file(file)]
    if line := request.POST.get("section"):
        lines = [one for one in last(posted, "relevant_policy_sections").splitlines() if one.strip()]
        lines = [one for one in lines if one != line] if line in lines else [*lines, line]
        posted["relevant_policy_sections"] = ["\n".join(lines)]
    return posted


def _save_posted(request: AuthenticatedRequest, edited: EditedScenario, step: str) -> EditedScenario:
    revision = request.POST.get("revision", "")
    number = int(revision) if revision.isdecimal() and len(revision) < 10 else 0
    return save_step(edited, request.user, _posted_fields(request), step, number)


def _with_posted(request: AuthenticatedRequest, edited: EditedScenario, step: str) -> EditedScenario:
    """Return the other window's scenario with this window's step, unsaved."""
    posted = {name: list(map(str, values)) for name, values in request.POST.lists()}
    if edited.copy:
        edited.copy.fields = merge_step(edited.typed, posted, step)
        return edited
    unsaved = ScenarioWorkingCopy(
        id=edited.id, author=request.user, scenario=edited.scenario, fields=merge_step(edited.typed, posted, step)
    )
    unsaved.revision = 0
    unsaved.based_on = edited.scenario.updated_at if edited.scenario else None
    return EditedScenario(edited.id, edited.scenario, unsaved, edited.stored_context)


def _explain_file(
    request: AuthenticatedRequest, edited: EditedScenario, step: str, error: ValidationError | RateLimitExceededError
) -> HttpResponse:
    """Show the step again with what was typed and why the file was refused."""
    problem = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    mine = _with_posted(request, edited, step)
    return render_step(request, mine, step, status=400, file_problem=problem)


def _go_on(request: AuthenticatedRequest, edited: EditedScenario, step: str) -> HttpResponse:
    """Go to where the pressed button leads."""
    then = request.POST.get("then", "")
    if then == "publish":
        return _publish(request, edited)
    if then == "close":
        messages.success(request, _("“%(title)s” is saved as typed.") % {"title": edited.title})
        return redirect("scenarios:scenario_list")
    if then in ("chat", "voice"):
        return redirect(f"training:{then}_trial", edited.trial_id)
    if then == "propose":
        propose_again(edited, without_checks(edited.typed))
    anchor = {"propose": "#checks", "rows": "#checks"}.get(then, "#sections" if "section" in request.POST else "")
    target = then if then in STEPS else step
    return redirect(reverse("scenarios:scenario_edit", args=[edited.id, target]) + anchor)


@login_required
@_requires_change
@require_POST
def scenario_autosave(request: AuthenticatedRequest, pk: UUID, step: str) -> JsonResponse:
    """Save a step for the editor's script. Return 409 if another window of the author saved in between."""
    edited = _find_or_404(request, pk, step)
    try:
        edited = _save_posted(request, edited, step)
    except OtherWindowError:
        newest = find_edited(request.user, pk) or edited
        notice = render_to_string("scenarios/_other_window.html", {"edited": newest}, request)
        return JsonResponse({"revision": newest.revision, "parts": {"notice": notice}}, status=409)
    return JsonResponse(
        {
            "revision": edited.revision,
            "saved": saved_words(edited),
            "title": edited.title,
            "page": reverse("scenarios:scenario_edit", args=[edited.id, step]),
            "trial": str(edited.trial_id),
            "parts": render_parts(request, edited, step),
        }
    )


# Publishing and discarding


def _publish(request: AuthenticatedRequest, edited: EditedScenario) -> HttpResponse:
    if edited.copy is None:
        messages.info(request, _("There is nothing to publish. You have not changed anything."))
        return redirect("scenarios:scenario_edit", edited.id, "try")
    try:
        scenario = publish(edited, request.user)
    except (OutdatedCopyError, OtherWindowError):
        return redirect("scenarios:scenario_edit", edited.id, "try")  # the page says what happened
    except ValidationError:
        return _show_first_error(request, edited)
    except Exception:  # Storage backends raise errors of many types.
        logger.exception("Scenario not published", extra={"scenario_id": edited.id})
        problem = _("Nothing was published, because the text could not be stored. Your changes are kept. Try again.")
        messages.error(request, problem)
        return redirect("scenarios:scenario_edit", edited.id, "try")
    return _announce(request, scenario)


def _show_first_error(request: AuthenticatedRequest, edited: EditedScenario) -> HttpResponse:
    wrong = build_form(edited, request.user, shows_errors=True).steps_with_errors
    messages.error(request, _("Nothing was published yet. Some fields need your attention. Everything is kept."))
    step = wrong[0] if wrong else "try"
    return redirect(reverse("scenarios:scenario_edit", args=[edited.id, step]) + "?check=1")


def _announce(request: AuthenticatedRequest, scenario: Scenario) -> HttpResponse:
    if not scenario.is_one_time:
        messages.success(request, _("“%(title)s” is in the library.") % {"title": scenario.title})
        return redirect("scenarios:scenario_list")
    messages.success(request, _("“%(title)s” is published as a one-time scenario.") % {"title": scenario.title})
    if not request.user.has_perm("training.add_assignment"):
        return redirect(f"{reverse('scenarios:scenario_list')}?shelf=one-time")
    return redirect(f"{reverse('training:assign')}?scenarios={scenario.pk}")


@login_required
@_requires_change
@require_POST
def scenario_discard(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete the author's working copy. The published scenario stays as it is."""
    edited = _find_or_404(request, pk, "caller")
    if edited.copy is None:
        return redirect("scenarios:scenario_list")
    if not is_confirmed(request):
        text = (
            _("The scenario stays as it is published. Your changes since then are deleted.")
            if edited.scenario
            else _("“%(title)s” is deleted. It was not published.") % {"title": edited.title}
        )
        back = reverse("scenarios:scenario_edit", args=[pk])
        return ask_first(request, Question(_("Discard your changes?"), text, _("Discard changes"), back))
    discard(edited.copy)
    messages.success(request, _("Your changes were discarded."))
    return redirect("scenarios:scenario_list")


@login_required
@_requires_change
@require_POST
def scenario_keep(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Let the author's changes replace what others have published since they were begun."""
    edited = _find_or_404(request, pk, "caller")
    if edited.copy:
        keep_own(edited.copy)
        messages.success(request, _("Your changes are kept. They replace the others when you publish."))
    return redirect("scenarios:scenario_edit", pk, "try")


@login_required
@_requires_view
@require_GET
def section_text(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Return the text of a section of the procedures, for the editor's script."""
    section = ProcedureSection.objects.for_user(request.user).select_related("document").filter(pk=pk).first()
    if section is None:
        raise Http404
    return render(request, "scenarios/_section_text.html", {"shown": section})
