"""Handling of several flags or evaluations at once, from their lists."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.requests import AuthenticatedRequest
from evaluation.forms import FlagsHandlingForm, LookedAtForm, first_error
from evaluation.services.flags import handle_flag
from evaluation.services.reviews import mark_looked_at


@login_required
@permission_required("evaluation.change_flag", raise_exception=True)
@require_POST
def flags_handle(request: AuthenticatedRequest) -> HttpResponse:
    """Record the same handling of all chosen flags."""
    form = FlagsHandlingForm(request.user, request.POST)
    if form.is_valid():
        flags = list(form.cleaned_data["flags"])
        for flag in flags:
            handle_flag(flag, request.user, form.cleaned_data["handling"], form.cleaned_data["note"])
        text = ngettext("%(count)s flag was handled.", "%(count)s flags were handled.", len(flags))
        messages.success(request, text % {"count": len(flags)})
    else:
        messages.error(request, first_error(form))
    return redirect(_list_url(request, "evaluation:flag_list"))


@login_required
@permission_required("evaluation.add_review", raise_exception=True)
@require_POST
def evaluations_looked_at(request: AuthenticatedRequest) -> HttpResponse:
    """Mark the chosen feedback as reviewed, and release what was held. Releasing asks first."""
    name = "review_queue" if request.POST.get("list") == "queue" else "evaluation_list"
    back_url = _list_url(request, f"evaluation:{name}")
    form = LookedAtForm(request.user, request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(back_url)
    chosen = list(form.cleaned_data["evaluations"])
    held = sum(one.is_held for one in chosen)
    if held and not is_confirmed(request):
        return ask_first(request, _release_question(held, back_url))
    done = sum(mark_looked_at(one, request.user) for one in chosen)
    text = ngettext("%(count)s marked as reviewed.", "%(count)s marked as reviewed.", done)
    messages.success(request, text % {"count": done})
    return redirect(back_url)


def _release_question(held: int, back_url: str) -> Question:
    title = ngettext("Release %(count)s feedback?", "Release %(count)s pieces of feedback?", held) % {"count": held}
    text = _("Some of it is held. Marked as reviewed, the counselors can read it right away.")
    return Question(title, text, _("Release and mark as reviewed"), back_url)


def _list_url(request: AuthenticatedRequest, view: str) -> str:
    """Return the list with the filters that it was shown with."""
    return f"{reverse(view)}?{request.POST.get('query', '')}"
