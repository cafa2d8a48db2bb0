"""Pages for cohorts: the list, and one cohort with its members."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.center.forms import CohortForm, MemberSearchForm, MembersForm
from accounts.center.frame import render_center
from accounts.models import Cohort, User
from accounts.services.people import create_cohort, update_cohort
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.requests import AuthenticatedRequest

PER_PAGE = 50
MAX_FOUND = 20  # counselors offered by one search

_view_cohort_required = permission_required("accounts.view_cohort", raise_exception=True)
_change_cohort_required = permission_required("accounts.change_cohort", raise_exception=True)


@login_required
@_view_cohort_required
@require_http_methods(["GET", "POST"])
def cohort_list(request: AuthenticatedRequest) -> HttpResponse:
    """List the cohorts, or create one."""
    if request.method == "POST":
        return _create(request)
    return _render_list(request, CohortForm())


@permission_required("accounts.add_cohort", raise_exception=True)
def _create(request: AuthenticatedRequest) -> HttpResponse:
    """Create a cohort and open its page to add people."""
    form = CohortForm(request.POST, instance=Cohort(organization=request.user.organization))
    if not form.is_valid():
        return _render_list(request, form, status=400)
    cohort = create_cohort(request.user.organization, [], name=form.cleaned_data["name"])
    messages.success(request, _("The cohort was created. Now add people to it."))
    return redirect("accounts:cohort_detail", pk=cohort.pk)


def _render_list(request: AuthenticatedRequest, form: CohortForm, status: int = 200) -> HttpResponse:
    cohorts = Cohort.objects.for_user(request.user).with_size().order_by("name")
    context = {"cohorts": Paginator(cohorts, PER_PAGE).get_page(request.GET.get("page")), "form": form}
    return render_center(request, "accounts/center/cohort_list.html", context, status)


@login_required
@_change_cohort_required
@require_http_methods(["GET", "POST"])
def cohort_detail(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show a cohort with its members and a search for more, or rename it."""
    cohort = _get_cohort(request, pk)
    form = CohortForm(request.POST if request.method == "POST" else None, instance=cohort)
    if request.method == "POST" and form.is_valid():
        update_cohort(cohort, None, name=form.cleaned_data["name"])
        messages.success(request, _("The name was saved."))
        return redirect("accounts:cohort_detail", pk=pk)
    search = MemberSearchForm(request.GET)
    text = search.cleaned_data["q"] if search.is_valid() else ""
    members = cohort.counselors.by_name()
    context = {
        "cohort": _get_cohort(request, pk),
        "form": form,
        "members": Paginator(members, PER_PAGE).get_page(request.GET.get("page")),
        "q": text,
        "found": _find_others(request.user, cohort, text),
    }
    return render_center(request, "accounts/center/cohort_detail.html", context, 400 if form.errors else 200)


def _find_others(user: User, cohort: Cohort, text: str) -> list[User]:
    """Return active counselors outside the cohort: those who match, or the first ones by name."""
    others = User.objects.for_user(user).counselors().exclude(cohorts=cohort).matching(text)
    return list(others.by_name()[:MAX_FOUND])


@login_required
@_change_cohort_required
@require_POST
def cohort_add(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Add the chosen people to a cohort."""
    cohort = _get_cohort(request, pk)
    form = MembersForm(request.POST, by=request.user)
    if form.is_valid():
        people = form.cleaned_data["people"].counselors()
        cohort.counselors.add(*people)
        count = len(people)
        text = ngettext("%(count)d person was added.", "%(count)d people were added.", count)
        messages.success(request, text % {"count": count})
    else:
        messages.error(request, _("Choose at least one person."))
    return redirect("accounts:cohort_detail", pk=pk)


@login_required
@_change_cohort_required
@require_POST
def cohort_remove(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Take a person out of a cohort. Adding them again undoes it."""
    cohort = _get_cohort(request, pk)
    form = MembersForm(request.POST, by=request.user)
    if form.is_valid():
        cohort.counselors.remove(*form.cleaned_data["people"])
        names = ", ".join(map(str, form.cleaned_data["people"]))
        messages.success(request, _("%(names)s is no longer in this cohort.") % {"names": names})
    return redirect("accounts:cohort_detail", pk=pk)


@login_required
@permission_required("accounts.delete_cohort", raise_exception=True)
@require_POST
def cohort_delete(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Delete a cohort, after a question. Its people stay."""
    cohort = _get_cohort(request, pk)
    if not is_confirmed(request):
        text = _("Its people, their assignments, and their conversations are kept. You can’t undo this.")
        title = _("Delete the cohort “%(name)s”?") % {"name": cohort.name}
        back = reverse("accounts:cohort_detail", args=[pk])
        return ask_first(request, Question(title, text, _("Delete cohort"), back))
    cohort.delete()
    messages.success(request, _("The cohort “%(name)s” was deleted.") % {"name": cohort.name})
    return redirect("accounts:cohort_list")


def _get_cohort(request: AuthenticatedRequest, pk: UUID) -> Cohort:
    return get_object_or_404(Cohort.objects.for_user(request.user), pk=pk)
