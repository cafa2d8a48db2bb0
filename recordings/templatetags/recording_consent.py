from django import template
from django.utils.translation import gettext

from recordings.consent import CONSENT_TEXTS, CURRENT_VERSION

register = template.Library()


@register.simple_tag
def consent_text() -> str:
    """Return the current consent text."""
    return gettext(CONSENT_TEXTS[CURRENT_VERSION])


@register.simple_tag
def consent_version() -> str:
    return CURRENT_VERSION
