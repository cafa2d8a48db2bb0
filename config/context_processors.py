from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts.models import Feature, User
from config.pages import THEME_COOKIE, THEMES


def demo_notice(request: HttpRequest) -> dict[str, str]:
    """Add the notice of a demo. The demo's own notices are translated; an operator's own notice is shown as is."""
    return {"demo_notice": _(settings.DEMO_NOTICE)}


def theme(request: HttpRequest) -> dict[str, str]:
    """Add the theme that the person has chosen, or "" to follow the system."""
    choice = request.COOKIES.get(THEME_COOKIE, "")
    return {"theme": choice if choice in THEMES else ""}


def features(request: HttpRequest) -> dict[str, object]:
    """Add the features by key, and whether they are on for the reader's center. Nothing is read until a page asks."""
    return {"features": SimpleLazyObject(lambda: _list_features(getattr(request, "user", None)))}


def _list_features(reader: object) -> dict[str, bool]:
    if isinstance(reader, User):
        return {feature.key: reader.organization.has_feature(feature) for feature in Feature}
    return {feature.key: feature.is_on_by_default for feature in Feature}
