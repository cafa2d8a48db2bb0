from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    """Return the path of a static file on the tests' own server, which does not hash file names."""
    return f"/static/{path}"


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """Draw an icon from the tests' own server."""
    drawing = '<svg class="{}" aria-hidden="true" focusable="false"><use href="/static/site/icons.svg#{}"/></svg>'
    return format_html(drawing, f"icon {css_class}".strip(), name)
