"""Password confirmation before changes to addresses, passwords, people, and tokens.

Without it, someone with a borrowed session could gain lasting access.
"""

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse

# For views that change nothing on GET. allauth sends people to its own page and repeats the POST afterward.
reauthentication_required_to_post = reauthentication_required(allow_get=True)


@reauthentication_required
def _confirmed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def has_confirmed_password(request: HttpRequest) -> bool:
    """Return True if the person has entered their password within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    try:
        _confirmed(request)
    except ReauthenticationRequired:
        return False
    return True
