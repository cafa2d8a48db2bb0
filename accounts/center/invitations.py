"""Pages for invitations: sending, sending again, revoking, and accepting."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.center.forms import AcceptInvitationForm, InviteForm
from accounts.center.people import render_people
from accounts.models import Invitation
from accounts.services.invitations import (
    InvitationClosedError,
    InvitationResult,
    accept_invitation,
    find_invitation,
    invite_people,
    resend_invitation,
    revoke_invitation,
)
from accounts.services.rate_limits import RateLimitExceededError
from accounts.web.confirmation import Question, ask_first, is_confirmed
from accounts.web.reauthentication import reauthentication_required_to_post
from accounts.web.requests import AuthenticatedRequest

_change_invitation_required = permission_required("accounts.change_invitation", raise_exception=True)
BACKEND = "accounts.backends.RoleBackend"


@login_required
@permission_required("accounts.view_user", raise_exception=True)
@require_http_methods(["GET", "POST"])
def people(request: AuthenticatedRequest) -> HttpResponse:
    """List people and invitations, or invite more."""
    return _invite(request) if request.method == "POST" else render_people(request)


@permission_required("accounts.add_invitation", raise_exception=True)
@reauthentication_required_to_post
def _invite(request: AuthenticatedRequest) -> HttpResponse:
    """Invite the people in the box. Entries that nobody was invited for stay in it."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return render_people(request, form, status=400)
    try:
        result = invite_people(request.user, form.cleaned_data["addresses"], form.cleaned_data["role"])
    except ValidationError as error:
        form.add_error("addresses", error)
        return render_people(request, form, status=400)
    except RateLimitExceededError as error:
        form.add_error("addresses", str(error))
        return render_people(request, form, status=429)
    _announce(request, result)
    if not result.left:
        return redirect("accounts:people")
    kept = InviteForm(initial={"addresses": result.text_left, "role": form.cleaned_data["role"]})
    return render_people(request, kept, result)


def _announce(request: AuthenticatedRequest, result: InvitationResult) -> None:
    if count := len(result.invited):
        text = ngettext(
            "%(count)d person is invited. The link in the email works for 72 hours.",
            "%(count)d people are invited. The links in the emails work for 72 hours.",
            count,
        )
        messages.success(request, text % {"count": count})


@login_required
@_change_invitation_required
@require_POST
def invitation_resend(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Send a new email with a new link."""
    invitation = _get_invitation(request, pk)
    try:
        if resend_invitation(invitation, request.user):
            messages.success(request, _("%(email)s gets a new link.") % {"email": invitation.email})
        else:
            messages.info(request, _("This invitation was already accepted or revoked."))
    except RateLimitExceededError as error:
        messages.error(request, str(error))
    return redirect("accounts:people")


@login_required
@_change_invitation_required
@require_POST
def invitation_revoke(request: AuthenticatedRequest, pk: UUID) -> HttpResponse:
    """Make the link of an invitation useless, after a question."""
    invitation = _get_invitation(request, pk)
    if not is_confirmed(request):
        text = _("The link that was sent to %(email)s stops working. You can invite this person again at any time.")
        title = _("Revoke this invitation?")
        question = Question(title, text % {"email": invitation.email}, _("Revoke"), reverse("accounts:people"))
        return ask_first(request, question)
    if revoke_invitation(invitation):
        messages.success(request, _("The invitation of %(email)s was revoked.") % {"email": invitation.email})
    else:
        messages.info(request, _("This invitation was already accepted or revoked."))
    return redirect("accounts:people")


def _get_invitation(request: AuthenticatedRequest, pk: UUID) -> Invitation:
    return get_object_or_404(Invitation.objects.for_user(request.user), pk=pk)


@never_cache
@sensitive_post_parameters("password")
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def invitation_accept(request: HttpRequest, secret: str) -> HttpResponse:
    """Let an invited person set their name and password, and log them in."""
    invitation = find_invitation(secret)
    if invitation is None or not invitation.is_usable:
        return _render_closed(request, invitation)
    form = AcceptInvitationForm(request.POST if request.method == "POST" else None, invitation=invitation)
    if request.method == "POST" and form.is_valid():
        try:
            person = accept_invitation(invitation, **form.cleaned_data)
        except InvitationClosedError:
            return _render_closed(request, find_invitation(secret))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            login(request, person, backend=BACKEND)
            messages.success(request, _("Welcome, %(name)s. Your account is ready.") % {"name": person.first_name})
            return redirect("evaluation:dashboard")
    context = {"invitation": invitation, "form": form}
    return render(request, "accounts/invitation.html", context, status=400 if form.errors else 200)


def _render_closed(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    return render(request, "accounts/invitation_closed.html", {"invitation": invitation}, status=400)
