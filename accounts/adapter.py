import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.internal.ratelimit import get_ip
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.models import User
from accounts.services import login_attempts
from accounts.services.database_connections import release_connection
from accounts.services.emails import Button, Email, send_email

LANDING_KEY = "landing"  # of the session: the path that the person asked for before logging in


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that closes public sign-up and counts failed logins in the database.

    Organizations add their own people.
    """

    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _lazy("Email or password is wrong. Try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Send one of allauth's emails. The only two that this project uses have a layout of its own."""
        user = context.get("user")
        center = user.organization.name if isinstance(user, User) else ""
        release_connection()  # a mail server may take seconds to respond
        if template_prefix == "account/email/password_reset_key":
            send_email(_reset_email(str(context["password_reset_url"])), email, center)
        elif template_prefix == "account/email/unknown_account":
            send_email(_unknown_address_email(), email)
        else:
            super().send_mail(template_prefix, email, context)

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Return False, too, if the person has just logged in: that is their password, entered a moment ago."""
        records = get_authentication_records(self.request, self.request.user)
        latest = max((record["at"] for record in records if record["method"] == "password"), default=0)
        is_recent = time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
        return not is_recent and super().is_reauthentication_required(app=app)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse:
        response = super().post_login(request, user, **kwargs)
        if response["Location"] != resolve_url(settings.LOGIN_REDIRECT_URL):
            request.session[LANDING_KEY] = urlsplit(response["Location"]).path
        return response

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        # Reauthentication may pass no email, but then the person is already logged in.
        email = str(credentials.get("email") or getattr(request.user, "email", ""))
        attempt = login_attempts.begin_login_attempt(email, get_ip(request))
        if attempt is None:
            raise self.validation_error("too_many_login_attempts")
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user:
            login_attempts.forget_login_attempt(attempt)
        return user

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Forget the account's failed logins after a password reset. allauth calls this method by name."""
        login_attempts.forget_login_attempts(credentials.get("email", ""))


def _reset_email(url: str) -> Email:
    return Email(
        subject=_("Choose a new password"),
        paragraphs=(_("Someone asked for a new password for your Steadyline account."),),
        button=Button(_("Choose a new password"), url),
        closing=(_("If it wasn’t you, you don’t need to do anything. Your password stays as it is."),),
    )


def _unknown_address_email() -> Email:
    return Email(
        subject=_("There is no account with this address"),
        paragraphs=(
            _("Someone asked for a new password for this address."),
            _("No Steadyline account uses it, so nothing was changed."),
            _("If it was you, ask your supervisor which address you log in with."),
        ),
    )
