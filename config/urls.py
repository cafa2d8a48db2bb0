"""URLs of the web server."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

from config import guides, pages


def not_found(request: HttpRequest, **kwargs: str) -> HttpResponse:
    raise Http404


# The admin has the frame of all pages, in which a second navigation leaves too little room for its tables.
admin.site.enable_nav_sidebar = False
# Log in to the admin through the same page as everyone else.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

site_patterns = [
    # Defines `gettext`, `ngettext`, and `interpolate` for the pages' scripts.
    path("texts.js", cache_control(public=True, max_age=3600)(JavaScriptCatalog.as_view()), name="javascript_catalog"),
    path("service-worker.js", pages.service_worker, name="service_worker"),
    path("manifest.webmanifest", cache_control(public=True, max_age=3600)(pages.manifest), name="manifest"),
    path("robots.txt", cache_control(public=True, max_age=86400)(pages.robots), name="robots"),
    path("favicon.ico", cache_control(public=True, max_age=86400)(pages.favicon), name="favicon"),
    path("offline/", pages.page_without_connection, name="offline"),
    path("theme/", pages.theme, name="theme"),
    path("guides/", guides.guide_list, name="guides"),
    path("guides/<slug:name>/", guides.guide, name="guide"),
    path("styleguide/", pages.style_guide, name="style_guide"),
]

handler400 = "config.error_pages.answer_bad_request"
handler403 = "config.error_pages.answer_permission_denied"
handler404 = "config.error_pages.answer_not_found"
handler500 = "config.error_pages.answer_server_error"

# Pages of allauth and Django's admin that are not used here: sign-up, login codes, and duplicates of our own pages.
# Their names still resolve, because the libraries use them, but the pages return 404.
disabled_patterns = [
    path("account/signup/", not_found),
    path("account/confirm-email/", not_found),
    path("account/confirm-email/<str:key>/", not_found),
    path("account/password/set/", not_found),
    path("account/login/code/confirm/", not_found),
    path("admin/password_change/", not_found),
    path("admin/password_change/done/", not_found),
]

urlpatterns = [
    *disabled_patterns,
    path("", include((site_patterns, "site"))),
    path("", include("evaluation.urls")),
    path("", include("recordings.urls")),
    path("", include("training.urls")),
    path("", include("scenarios.urls")),
    path("", include("accounts.urls")),
    path("account/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/", include("config.api.urls")),
]
