"""List of scenarios, and what can be done with the selected ones."""

import logging
from collections.abc import Callable
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from scenarios.downloads import PACK_FORMATS, stream_pack
from scenarios.forms.list_form import ScenarioListForm, SelectionForm
from scenarios.forms.promotion import MAX_DEMOTED_AT_ONCE, MAX_PROMOTED_AT_ONCE, PromoteForm, format_titles
from scenarios.models import Scenario, ScenarioQuerySet, ScenarioWorkingCopy
from scenarios.services.scenarios import (
    ScenarioInUseError,
    delete_scenario,
    demote_unused_scenarios,
    promote_scenario,
    set_active,
)

logger = logging.getLogger(__name__)

MAX_SHOWN_COPIES = 50
Action = Callable[[AuthenticatedRequest, ScenarioQuerySet], HttpResponseBase]


@login_required
@permission_required("scenarios.view_scenario", raise_exception=True)
@require_GET
def scenario_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the center's scenarios, and the author's unpublished work."""
    form = ScenarioListForm(request.user, request.GET)
    rows = form.narrow(Scenario.objects.for_user(request.user))
    page = get_countless_page(rows, form.per_page, request.GET.get("page"))
    own = ScenarioWorkingCopy.objects.for_user(request.user).select_related("scenario")
    copies = [] if form.is_filtered or page.number > 1 else own[:MAX_SHOWN_COPIES]
    return render(request, "scenarios/scenario_list.html", {"form": form, "page": page, "copies": copies})


def _on_selected(permission: str) -> Callable[[Action], Callable[[AuthenticatedRequest], HttpResponseBase]]:
    """Return a decorator for actions on the selected scenarios. Without a selection, the list says so."""

    def decorate(act: Action) -> Callable[[AuthenticatedRequest], HttpResponseBase]:
        def view(request: AuthenticatedRequest) -> HttpResponseBase:
            form = SelectionForm(request.user, request.POST)
            if not form.is_valid():
                messages.warning(request, str(form.errors["selected"][0]))
                return redirect("scenarios:scenario_list")
            return act(request, form.scenarios)

        return login_required(permission_required(permission, raise_exception=True)(require_POST(view)))

    return decorate


@_on_selected("scenarios.view_scenario")
def scenario_export(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponseBase:
    """Download the selected scenarios as a pack."""
    kind = request.POST.get("kind", "json")
    try:
        return stream_pack(request.user.organization, chosen, kind if kind in PACK_FORMATS else "json")
    except Exception:  # Storage backends raise errors of many types.
        logger.exception("Scenarios not exported")
        problem = _("The scenarios can’t be read right now, so no file was created. Try again in a moment.")
        messages.error(request, problem)
        return redirect("scenarios:scenario_list")


@_on_selected("training.add_assignment")
def scenario_assign(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    """Go to the page that assigns the selected scenarios."""
    ids = [("scenarios", str(pk)) for pk in chosen.values_list("pk", flat=True)]
    return redirect(f"{reverse('training:assign')}?{urlencode(ids)}")


@_on_selected("scenarios.change_scenario")
def scenario_activate(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    count = set_active(chosen, True, request.user)
    done = ngettext("%(count)s scenario was made active.", "%(count)s scenarios were made active.", count)
    messages.success(request, done % {"count": count})
    return redirect("scenarios:scenario_list")


@_on_selected("scenarios.change_scenario")
def scenario_deactivate(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    count = set_active(chosen, False, request.user)
    done = ngettext("%(count)s scenario was made inactive.", "%(count)s scenarios were made inactive.", count)
    messages.success(request, done % {"count": count})
    return redirect("scenarios:scenario_list")


@_on_selected("scenarios.change_scenario")
def scenario_promote(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    """Show one-time scenarios in full, ask about personal details, and promote those that were read."""
    one_time = list(chosen.one_time().select_related("account")[: MAX_PROMOTED_AT_ONCE + 1])
    if not one_time or len(one_time) > MAX_PROMOTED_AT_ONCE:
        problem = (
            _("Nothing was promoted. Select at most %(most)s scenarios, because you need to read each one.")
            if one_time
            else _("Nothing was promoted. None of the selected scenarios is one-time.")
        )
        messages.warning(request, problem % {"most": MAX_PROMOTED_AT_ONCE})
        return redirect("scenarios:scenario_list")
    form = PromoteForm(request.POST if "promote" in request.POST else None, one_time)
    if not form.is_valid():
        return render(request, "scenarios/promote.html", {"form": form, "chosen": one_time})
    _promote(request, form.checked_scenarios)
    return redirect("scenarios:scenario_list")


def _promote(request: AuthenticatedRequest, scenarios: list[Scenario]) -> None:
    with transaction.atomic():
        for scenario in scenarios:
            promote_scenario(scenario, request.user)
    count = len(scenarios)
    message = ngettext(
        "%(count)s scenario was promoted to the library.", "%(count)s scenarios were promoted to the library.", count
    )
    messages.success(request, message % {"count": count})


@_on_selected("scenarios.change_scenario")
def scenario_demote(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    """Remove unused scenarios from the library, and say which ones stay."""
    in_library = list(chosen.library()[:MAX_DEMOTED_AT_ONCE])
    demoted = demote_unused_scenarios(in_library, request.user)
    count = len(demoted)
    message = ngettext(
        "%(count)s scenario was removed from the library.", "%(count)s scenarios were removed from the library.", count
    )
    messages.success(request, message % {"count": count})
    kept = [scenario.title for scenario in in_library if scenario not in demoted]
    if kept:
        warning = _(
            "In the library because counselors have been assigned them or have practiced with them: %(titles)s. To "
            "stop offering them, make them inactive."
        )
        messages.warning(request, warning % {"titles": format_titles(kept)})
    return redirect("scenarios:scenario_list")


@_on_selected("scenarios.delete_scenario")
def scenario_delete(request: AuthenticatedRequest, chosen: ScenarioQuerySet) -> HttpResponse:
    """Ask, then delete the selected scenarios: all of them, or none if one has been assigned."""
    scenarios = list(chosen)
    titles = [scenario.title for scenario in scenarios]
    if not is_confirmed(request):
        count = len(scenarios)
        title = ngettext("Delete %(count)s scenario?", "Delete %(count)s scenarios?", count) % {"count": count}
        text = _("This deletes %(titles)s with all texts. You can’t undo this.") % {"titles": format_titles(titles)}
        return ask_first(request, Question(title, text, _("Delete"), reverse("scenarios:scenario_list")))
    try:
        with transaction.atomic():
            for scenario in scenarios:
                delete_scenario(scenario)
        messages.success(request, _("Deleted: %(titles)s.") % {"titles": format_titles(titles)})
    except ScenarioInUseError:
        problem = _(
            "Nothing was deleted, because “%(title)s” has been assigned. Make it inactive instead. It will no longer "
            "be offered, and past work is kept."
        )
        messages.error(request, problem % {"title": scenario.title})
    return redirect("scenarios:scenario_list")
