"""The password again, before a borrowed session could become a lasting one: address, passwords, people, tokens."""

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse

# For views that only show something on GET. allauth sends people to its page and repeats the POST afterwards.
reauthentication_required_to_post = reauthentication_required(allow_get=True)


@reauthentication_required
def _confirmed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def has_confirmed_password(request: HttpRequest) -> bool:
    """Return whether the person has entered their password again within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    try:
        _confirmed(request)
    except ReauthenticationRequired:
        return False
    return True
