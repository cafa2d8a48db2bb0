from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.services.database_connections import release_connection


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that closes public sign-up. Organizations add their own people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        release_connection()  # a mail server may take seconds to answer
        super().send_mail(template_prefix, email, context)
