from django import template

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    """Return the path of a static file on the tests' own server, which does not hash file names."""
    return f"/static/{path}"
