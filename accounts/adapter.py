from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import get_ip
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from accounts.services import login_attempts
from accounts.services.database_connections import release_connection


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that closes public sign-up and counts failed logins in the database.

    Organizations add their own people.
    """

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        release_connection()  # a mail server may take seconds to respond
        super().send_mail(template_prefix, email, context)

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
