"""Pages for the people of a center: the list, one person, and their access."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.center.forms import InviteForm, PeopleFilterForm, PersonForm
from accounts.center.frame import render_center
from accounts.models import Invitation, User, UserQuerySet
from accounts.services.invitations import InvitationResult
from accounts.services.people import deactivate_person, list_tokens_issued_by, reactivate_person
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.reauthentication import reauthentication_required_to_post
from accounts.web.requests import AuthenticatedRequest

PER_PAGE = 50

_view_people_required = permission_required("accounts.view_user", raise_exception=True)
_change_people_required = permission_required("accounts.change_user", raise_exception=True)


def render_people(
    request: AuthenticatedRequest,
    invite_form: InviteForm | None = None,
    result: InvitationResult | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the list of people with the open invitations, and the outcome of an invitation if there is one."""
    filters = PeopleFilterForm(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {"q": "", "role": ""}
    people = _filter_people(request.user, **chosen).prefetch_related("cohorts").by_name()
    invitations = Invitation.objects.for_user(request.user).open().select_related("invited_by")
    context = {
        "people": Paginator(people, PER_PAGE).get_page(request.GET.get("page")),
        "invitations": invitations,
        "filters": chosen,
        "roles": PeopleFilterForm.ROLES,
        "invite_form": invite_form or InviteForm(),
        "result": result,
    }
    return render_center(request, "accounts/center/people.html", context, status)


def _filter_people(user: User, q: str, role: str) -> UserQuerySet:
    people: UserQuerySet = User.objects.for_user(user).exclude(role=User.Role.SERVICE).matching(q)
    if role == PeopleFilterForm.FORMER:
        return people.filter(is_active=False)
    return people.filter(role=role) if role else people


@login_required
@_change_people_required
@require_http_methods(["GET", "POST"])
@reauthentication_required_to_post
def person(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Show or change a person's details and role."""
    found = _get_person(request, pk)
    form = PersonForm(request.POST if request.method == "POST" else None, instance=found, by=request.user)
    if request.method == "POST" and form.is_valid():
        found.save(update_fields=PersonForm.Meta.fields)
        messages.success(request, _("The changes to %(person)s were saved.") % {"person": found})
        return redirect("accounts:people")
    context = {"person": _get_person(request, pk), "form": form}
    return render_center(request, "accounts/center/person.html", context, 400 if form.errors else 200)


@login_required
@_change_people_required
@require_POST
@reauthentication_required_to_post
def person_deactivate(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """End a person's access. What they did stays."""
    found = _get_person(request, pk)
    if found.pk == request.user.pk:
        messages.error(request, _("You can’t deactivate yourself. Ask another administrator."))
        return redirect("accounts:person", pk=pk)
    if not is_confirmed(request):
        return ask_first(request, _ask_to_deactivate(found))
    deactivate_person(found)
    messages.success(request, _("%(person)s can no longer log in.") % {"person": found})
    return redirect("accounts:people")


def _ask_to_deactivate(person: User) -> Question:
    text = _(
        "%(person)s is logged out and can’t log in again. Conversations, feedback, and assignments are kept, and you "
        "can reactivate this person at any time."
    ) % {"person": person}
    if names := [token.name for token in list_tokens_issued_by(person)]:
        tokens = _("These service tokens stop working, because this person issued them: %(names)s.")
        text = f"{text} {tokens % {'names': ', '.join(names)}}"
    title = _("Deactivate %(person)s?") % {"person": person}
    return Question(title, text, _("Deactivate"), reverse("accounts:person", args=[person.pk]))


@login_required
@_change_people_required
@require_POST
@reauthentication_required_to_post
def person_reactivate(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Give a person's access back."""
    found = _get_person(request, pk)
    reactivate_person(found)
    messages.success(request, _("%(person)s can log in again, with the same password as before.") % {"person": found})
    return redirect("accounts:person", pk=pk)


def _get_person(request: AuthenticatedRequest, pk: UUID) -> User:
    """Return a person of the organization. External systems have no page, and only operators change operators."""
    people = User.objects.for_user(request.user).exclude(role=User.Role.SERVICE)
    found: User = get_object_or_404(people, pk=pk)
    if found.is_superuser and not request.user.is_superuser:
        raise Http404
    return found
