"""Pages that belong to no app: the theme and the style guide."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
YEAR = 365 * 24 * 3600  # seconds


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie. Any other choice than light and dark follows the system."""
    target = request.POST.get("next", "")
    is_own = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    response = HttpResponseRedirect(target if is_own else reverse("evaluation:dashboard"))
    choice = request.POST.get("theme", "")
    if choice in THEMES:
        response.set_cookie(
            THEME_COOKIE, choice, max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def style_guide(request: HttpRequest) -> HttpResponse:
    """Show each component in each state, in development and in the demo."""
    if not (settings.DEBUG or settings.DEMO_NOTICE):
        raise Http404
    return render(request, "style_guide.html", {"tones": ["accent", "good", "warn", "danger"], "letters": "ABCDF"})
