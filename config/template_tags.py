"""Template tags of the shared components, available in every template."""

from zlib import crc32

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.models import User
from accounts.web.request_ids import current_request_id
from config.middleware.offline_copies import slot_of
from config.navigation import NavigationItem, navigation_for
from config.storage.static import shared_style_addresses

register = template.Library()

PIPS = {"A": 4, "B": 3, "C": 2, "D": 1, "F": 0}
AVATAR_TONES = 4


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """Return an icon of the sprite. It is hidden from screen readers, so its control needs a name of its own."""
    classes = f"icon {css_class}".strip()
    drawing = '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
    return format_html(drawing, classes, static("site/icons.svg"), name)


@register.simple_tag
def request_id() -> str:
    """Return the id of the request in progress, which log lines name. It needs no context."""
    return current_request_id.get() or ""


@register.simple_tag
def shared_styles() -> SafeString:
    """Return links to the stylesheets of every page."""
    return format_html_join("", '<link rel="stylesheet" href="{}">', [(url,) for url in shared_style_addresses()])


@register.inclusion_tag("components/avatar.html")
def avatar(person: User, size: str = "") -> dict[str, object]:
    """Draw a person's initials. `size` is "small", "large", or empty. The same person always has the same tone."""
    return {"initials": _initials(person), "tone": crc32(str(person.pk).encode()) % AVATAR_TONES + 1, "size": size}


@register.inclusion_tag("components/grade.html")
def grade(letter: str | None, score: float | None = None, size: str = "") -> dict[str, object]:
    """Draw a grade from A to F, or an empty frame without one. `size` is "large" or empty."""
    pips = [{"x": index * 6, "is_on": index < PIPS.get(letter or "", 0)} for index in range(4)]
    return {"letter": letter, "score": score, "pips": pips, "size": size, "label": _grade_label(letter, score)}


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[NavigationItem]:
    """Return the items of the bar for the person who is logged in."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    user = context.get("user")
    return navigation_for(user, match.view_name if match else "") if isinstance(user, User) else []


@register.inclusion_tag("components/offline_notice.html", takes_context=True)
def offline_notice(context: template.Context) -> dict[str, object]:
    """Add the notice that appears when the browser shows its copy of this page without a connection."""
    request = context.get("request")
    return {"is_kept": request is not None and slot_of(request) != ""}


def _initials(person: User) -> str:
    names = person.get_full_name().split() or [person.email]
    letters = names[0][0] + (names[-1][0] if len(names) > 1 else "")
    return letters.upper()


def _grade_label(letter: str | None, score: float | None) -> str:
    if not letter:
        return gettext("No grade")
    if score is None:
        return gettext("Grade %(letter)s") % {"letter": letter}
    return gettext("Grade %(letter)s, %(score)d of 100") % {"letter": letter, "score": round(score)}
