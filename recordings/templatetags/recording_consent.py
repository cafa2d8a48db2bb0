from django import template

from recordings.consent import CURRENT, TEXTS

register = template.Library()


@register.simple_tag
def consent_text() -> str:
    """What a counselor agrees to now."""
    return TEXTS[CURRENT]


@register.simple_tag
def consent_version() -> str:
    return CURRENT
