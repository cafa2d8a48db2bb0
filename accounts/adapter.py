from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that closes public sign-up. Organizations add their own people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
