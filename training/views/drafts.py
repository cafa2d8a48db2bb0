"""Drafts from complaints: request, wait, remove personal details, and save for the library or for one's counselors.

They are here, and not in `scenarios`, because a saved draft can be assigned at once.
"""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.requests import AuthenticatedRequest
from scenarios.forms.draft_form import DraftForm, LibraryPurpose
from scenarios.forms.draft_pii import read_dismissed
from scenarios.forms.draft_request_forms import NewDraftForm, RegenerateForm
from scenarios.models import ScenarioDraft
from scenarios.services.draft_words import NOT_DELETED, NOT_DISCARDED, NOT_REGENERATED, NOT_RESTORED
from scenarios.services.drafts import delete_draft_source, discard_draft, restore_draft
from training.draft_purpose import purpose_form_for
from training.views.draft_page import find_draft_or_404, list_drafts, render_check, render_draft, render_editing

SECONDS_PER_DAY = 86_400

_requires_add = permission_required("scenarios.add_scenariodraft", raise_exception=True)
_requires_change = permission_required("scenarios.change_scenariodraft", raise_exception=True)


@login_required
@_requires_add
@require_http_methods(["GET", "POST"])
def draft_new(request: AuthenticatedRequest) -> HttpResponse:
    """Request a draft from a complaint, typed or uploaded, and list the drafts so far."""
    form = NewDraftForm(request.user, *([request.POST, request.FILES] if request.method == "POST" else []))
    draft = form.request_draft(request.user) if form.is_valid() else None
    if draft:
        return redirect("training:draft", draft.pk)
    context = {
        "form": form,
        "days": round(settings.DRAFT_KEPT_FOR / SECONDS_PER_DAY),
        "keeps_sources": request.user.organization.keeps_sources,
    }
    return render(request, "scenarios/draft_new.html", context | list_drafts(request))


@login_required
@_requires_change
@require_http_methods(["GET", "POST"])
def draft(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show a draft in its present state, or save the edited draft as a scenario."""
    found = find_draft_or_404(request, pk)
    return _save(request, found) if request.method == "POST" else render_draft(request, found)


def _save(request: AuthenticatedRequest, draft: ScenarioDraft) -> HttpResponse:
    form = DraftForm(draft, request.user, request.POST)
    purpose_form = purpose_form_for(request.user, request.POST)
    # A list, not a generator, so that both forms report their errors.
    if all([form.is_valid(), purpose_form is None or purpose_form.is_valid()]):
        saved = form.save_scenario(request.user, read_dismissed(request.POST), purpose_form or LibraryPurpose())
        if saved:
            scenario, sentence = saved
            messages.success(request, sentence)
            return redirect("scenarios:scenario_edit", scenario.pk, "try")
    return render_editing(request, draft, request.POST, form=form, assignment_form=purpose_form, is_rejected=True)


@login_required
@_requires_change
@require_GET
def draft_state(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Return the progress fragment while the draft is being written, then reload the page. For htmx."""
    draft = find_draft_or_404(request, pk)
    if draft.status == ScenarioDraft.Status.WRITING:
        return render(request, "scenarios/_draft_writing.html", {"draft": draft})
    return HttpResponseClientRefresh()


@login_required
@_requires_change
@require_POST
def draft_check(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Return the details from the complaint that the typed text still contains, and advice on it. For htmx."""
    draft = find_draft_or_404(request, pk)
    return render_check(request, draft) if draft.is_open else HttpResponse()


@login_required
@_requires_change
@require_POST
def draft_regenerate(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Request another attempt. If it is refused, everything typed is shown again."""
    draft = find_draft_or_404(request, pk)
    form = RegenerateForm(draft, request.POST)
    is_queued = form.regenerate(request.user) if form.is_valid() else None
    if is_queued is False:
        messages.warning(request, NOT_REGENERATED)
    if is_queued is not None:
        return redirect("training:draft", pk)
    if draft.status == ScenarioDraft.Status.READY:
        return render_editing(request, draft, request.POST, form)
    return render_draft(request, draft, form)


@login_required
@_requires_change
@require_POST
def draft_restore(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Go back to the draft that preceded a failed attempt."""
    if not restore_draft(find_draft_or_404(request, pk)):
        messages.warning(request, NOT_RESTORED)
    return redirect("training:draft", pk)


@login_required
@_requires_change
@require_POST
def draft_discard(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete the draft and its complaint."""
    draft = find_draft_or_404(request, pk)
    if not is_confirmed(request):
        text = _("This deletes the draft and the complaint for everyone. You can’t undo this.")
        back = reverse("training:draft", args=[pk])
        return ask_first(request, Question(_("Discard this draft?"), text, _("Discard draft and complaint"), back))
    if not discard_draft(draft):
        messages.warning(request, NOT_DISCARDED)
        return redirect("training:draft", pk)
    messages.success(request, _("The draft and its complaint were deleted."))
    return redirect("training:draft_new")


@login_required
@_requires_change
@require_POST
def draft_delete_source(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Ask, then delete the complaint that is kept with a saved draft."""
    draft = find_draft_or_404(request, pk)
    if not is_confirmed(request):
        text = _("This deletes the complaint and the instructions for everyone. You can’t undo this.")
        back = reverse("training:draft", args=[pk])
        return ask_first(request, Question(_("Delete the complaint?"), text, _("Delete complaint permanently"), back))
    if delete_draft_source(draft):
        messages.success(request, _("The complaint was deleted."))
    else:
        messages.warning(request, NOT_DELETED)
    return redirect("training:draft", pk)
