from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.pages import THEME_COOKIE, THEMES


def demo_notice(request: HttpRequest) -> dict[str, str]:
    """Add the notice of a demo. The demo's own notices are translated; an operator's own notice is shown as is."""
    return {"demo_notice": _(settings.DEMO_NOTICE)}


def theme(request: HttpRequest) -> dict[str, str]:
    """Add the theme that the person has chosen, or "" to follow the system."""
    choice = request.COOKIES.get(THEME_COOKIE, "")
    return {"theme": choice if choice in THEMES else ""}
