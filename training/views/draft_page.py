"""Content of the pages of drafts from complaints."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from accounts.procedures.unread_parts import explain_unread_parts
from accounts.web.countless_paginator import get_countless_page
from accounts.web.requests import AuthenticatedRequest
from scenarios.forms.advice import group_advice_by_field
from scenarios.forms.draft_form import DraftForm
from scenarios.forms.draft_pii import count_unresolved, group_findings, read_checked_texts, read_dismissed
from scenarios.forms.draft_request_forms import RegenerateForm
from scenarios.models import ScenarioDraft
from scenarios.services.drafts import PII_CHECKED_FIELDS
from training.draft_purpose import purpose_form_for

DRAFTS_PER_PAGE = 10
EVERYONES, OPEN = "all", "open"


def find_draft_or_404(request: AuthenticatedRequest, pk: UUID) -> ScenarioDraft:
    drafts = ScenarioDraft.objects.for_user(request.user)
    return get_object_or_404(drafts.select_related("organization", "account", "scenario", "created_by"), pk=pk)


def list_drafts(request: AuthenticatedRequest) -> dict[str, Any]:
    """Return a page of the person's drafts, or of everyone's (`whose=all`), or of the open ones (`state=open`)."""
    whose = EVERYONES if request.GET.get("whose") == EVERYONES else ""
    state = OPEN if request.GET.get("state") == OPEN else ""
    rows = ScenarioDraft.objects.for_user(request.user).select_related("scenario", "account", "created_by")
    rows = rows.defer("source", "instructions", "description", "prompt", "evaluator_context")
    rows = rows if whose else rows.filter(created_by=request.user)
    shown = rows.open() if state else rows
    page = get_countless_page(shown, DRAFTS_PER_PAGE, request.GET.get("page"))
    return {"page": page, "whose": whose, "state": state}


def render_draft(
    request: AuthenticatedRequest, draft: ScenarioDraft, regenerate_form: RegenerateForm | None = None
) -> HttpResponse:
    """Render the draft's page for its status: being written, ready to edit, failed, or closed."""
    if draft.status == ScenarioDraft.Status.READY:
        return render_editing(request, draft, regenerate_form=regenerate_form)
    if draft.status == ScenarioDraft.Status.FAILED:
        return _render(request, "failed", draft=draft, regenerate_form=regenerate_form or RegenerateForm(draft))
    return _render(request, "writing" if draft.is_open else "closed", draft=draft)


def render_editing(
    request: AuthenticatedRequest,
    draft: ScenarioDraft,
    data: QueryDict | None = None,
    regenerate_form: RegenerateForm | None = None,
    **extra_context: Any,
) -> HttpResponse:
    """Render the draft in its form, as generated or, with `data`, as typed."""
    form = DraftForm(draft, request.user, data)
    context = _check_texts(draft, data, str(form["mode"].value() or "")) | {
        "draft": draft,
        "form": form,
        "assignment_form": purpose_form_for(request.user, data),
        "regenerate_form": regenerate_form or RegenerateForm(draft),
    }
    return _render(request, "edit", **context | extra_context)


def render_check(request: AuthenticatedRequest, draft: ScenarioDraft) -> HttpResponse:
    """Render the findings and the advice for the text as typed."""
    context = _check_texts(draft, request.POST, request.POST.get("mode", ""))
    return render(request, "scenarios/_draft_check.html", context)


def _check_texts(draft: ScenarioDraft, data: QueryDict | None, mode: str) -> dict[str, Any]:
    """Return the details from the complaint that the texts contain, and advice on them."""
    texts = {name: getattr(draft, name) for name in PII_CHECKED_FIELDS} if data is None else read_checked_texts(data)
    dismissed = frozenset() if data is None else read_dismissed(data)
    found = group_findings(draft, texts, dismissed) if draft.status == ScenarioDraft.Status.READY else []
    return {
        "findings": found,
        "unresolved": count_unresolved(found),
        "advice": group_advice_by_field(texts["prompt"], texts["evaluator_context"], mode),
    }


def _render(request: AuthenticatedRequest, page: str, **context: Any) -> HttpResponse:
    draft = context["draft"]
    names = {"edit": _("Edit draft"), "failed": _("Draft failed"), "writing": _("Writing the draft")}
    base = {
        "title": names.get(page, draft.get_status_display()),
        "unread": explain_unread_parts(draft.unread),
    }
    return render(request, f"scenarios/draft_{page}.html", base | context)
