from django import template

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    """Return the path at which the tests' own server has a static file, whatever storage the site uses."""
    return f"/static/{path}"
