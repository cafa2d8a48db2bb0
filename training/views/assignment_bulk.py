"""Changes of several assignments at once, from their list."""

from typing import Any

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
from training.forms import AssignmentChangeForm
from training.services.assignments import cancel_assignment, change_due_date, reset_assignment


@login_required
@permission_required("training.change_assignment", raise_exception=True)
@require_POST
def assignments_change(request: AuthenticatedRequest) -> HttpResponse:
    """Cancel or reset the chosen assignments, or change their due date. Those that cannot change stay as they are."""
    form = AssignmentChangeForm(request.user, request.POST)
    back_url = f"{reverse('training:assignment_list')}?{request.POST.get('query', '')}"
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(back_url)
    chosen, verb = list(form.cleaned_data["assignments"]), form.cleaned_data["verb"]
    if verb != AssignmentChangeForm.DUE and not is_confirmed(request):
        return ask_first(request, _question(verb, len(chosen), back_url))
    change = {"cancel": cancel_assignment, "reset": reset_assignment}.get(verb)
    if change:
        done = sum(change(one) for one in chosen)
    else:
        done = sum(change_due_date(one, form.cleaned_data["due_date"]) for one in chosen)
    _report(request, done, len(chosen) - done)
    return redirect(back_url)


def _question(verb: str, count: int, back_url: str) -> Question:
    values: dict[str, Any] = {"count": count}
    if verb == "reset":
        title = ngettext("Reset %(count)s assignment?", "Reset %(count)s assignments?", count) % values
        text = _("The attempts so far will no longer count. The conversations are kept.")
        return Question(title, text, _("Reset"), back_url)
    title = ngettext("Cancel %(count)s assignment?", "Cancel %(count)s assignments?", count) % values
    text = _("The counselors will no longer see them as assignments. Their conversations are kept.")
    return Question(title, text, _("Cancel assignments"), back_url)


def _report(request: AuthenticatedRequest, done: int, left: int) -> None:
    if done:
        text = ngettext("%(count)s assignment was changed.", "%(count)s assignments were changed.", done)
        messages.success(request, text % {"count": done})
    if left:
        text = ngettext(
            "%(count)s assignment was left as it is, because it has a session in progress or its status does not fit.",
            "%(count)s assignments were left as they are, because they have a session in progress or their status "
            "does not fit.",
            left,
        )
        messages.warning(request, text % {"count": left})
