from django import template

register = template.Library()


@register.simple_tag
def static(path: str) -> str:
    """Static files where the tests' own little server has them, whatever storage the site uses."""
    return f"/static/{path}"
