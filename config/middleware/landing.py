"""Middleware that leads people who have just logged in from a page that they may not open to their Today."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from accounts.adapter import LANDING_KEY


class LandingMiddleware(MiddlewareMixin):
    """Middleware that replaces an error at the address that a person asked for before logging in.

    The address is chosen before anyone knows who logs in, so it can belong to another role or another center.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # A request that has not read its session is not from a person.
        if request.method != "GET" or not request.session.accessed:
            return response
        if request.session.get(LANDING_KEY) != request.path:
            return response
        if response.status_code in (301, 302):
            request.session[LANDING_KEY] = urlsplit(response["Location"]).path
            return response
        del request.session[LANDING_KEY]
        if response.status_code not in (403, 404):
            return response
        messages.warning(request, _("You don’t have access to that page, so here is your Today."))
        return redirect("evaluation:dashboard")
