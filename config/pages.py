"""Pages that belong to no app: the theme, the style guide, and what browsers ask for on their own."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from config.storage.static import static_files_version

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
YEAR = 365 * 24 * 3600  # seconds


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie and return to the page. Any other choice than light and dark follows the system."""
    target = request.headers.get("Referer", "")
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


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Describe the site as an app that can be installed."""
    sizes = (("app-192.png", "192x192", "any"), ("app-512.png", "512x512", "any"))
    icons = [*sizes, ("app-maskable-512.png", "512x512", "maskable")]
    description = {
        "name": "Steadyline",
        "short_name": "Steadyline",
        "id": "/",
        "start_url": reverse("evaluation:dashboard"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf7f2",
        "theme_color": "#0b5e63",
        "icons": [
            {"src": static(f"site/{name}"), "sizes": size, "type": "image/png", "purpose": purpose}
            for name, size, purpose in icons
        ],
    }
    return JsonResponse(description, content_type="application/manifest+json")


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the script that keeps pages for reading offline. Its version changes with any static file."""
    context = {"version": static_files_version()}
    response = render(request, "service-worker.js", context, content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def page_without_connection(request: HttpRequest) -> HttpResponse:
    """Show what a browser without a connection can do. The page is the same for everyone."""
    return render(request, "offline.html")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Ask search engines to stay away. Every page but the first needs a login."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Return the icon for browsers and programs that look for it at this address."""
    icon = settings.BASE_DIR / "templates" / "static" / "favicon.ico"
    return HttpResponse(icon.read_bytes(), content_type="image/x-icon")


@require_safe
def style_guide(request: HttpRequest) -> HttpResponse:
    """Show each component in each state, in development and in the demo."""
    if not (settings.DEBUG or settings.DEMO_NOTICE):
        raise Http404
    context = {
        "tones": ["accent", "good", "warn", "danger"],
        "letters": "ABCDF",
        "buttons": ["primary", "second", "quiet", "danger", "danger-quiet"],
        "states": ["", "hover", "focus"],
        "person": User(first_name="Sam", last_name="Okafor"),
        "page": Paginator(range(30), 10).page(2),
    }
    return render(request, "style_guide.html", context)
