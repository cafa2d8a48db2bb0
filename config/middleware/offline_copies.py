"""Middleware that tells the service worker which pages to keep, and whose copies to delete.

The worker (templates/static/site/service-worker.js) follows these headers alone, so it works on pages without scripts.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac
from django.utils.deprecation import MiddlewareMixin

OWNER = "Offline-Owner"  # whose copies may remain: a value for this login alone, or "none"
SLOT = "Offline-Slot"  # the place of this page among the copies. Each place holds one page.
SLOTS = {
    "evaluation:dashboard": "today",
    "evaluation:session": "feedback",
    "evaluation:session_checks": "feedback",
    "evaluation:session_transcript": "feedback",
}
NOBODY = "none"


class OfflineCopiesMiddleware(MiddlewareMixin):
    """Middleware that adds the headers to pages, and lets the browser delete everything when a person logs out."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if getattr(request, "has_logged_out", False):
            response.headers["Clear-Site-Data"] = '"storage"'
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        owner = _owner_of(request)
        response.headers[OWNER] = owner
        slot = slot_of(request)
        if slot and owner != NOBODY and response.status_code == 200:
            response.headers[SLOT] = slot
        return response


@receiver(user_logged_out)
def mark_logout(request: HttpRequest, **kwargs: object) -> None:
    request.has_logged_out = True  # type: ignore[attr-defined]


def slot_of(request: HttpRequest) -> str:
    """Return the place of the requested page among the copies, or "" for a page that is not kept."""
    match = getattr(request, "resolver_match", None)
    slot = SLOTS.get(match.view_name, "") if match and request.method == "GET" else ""
    # Pages of the others show the work of people who did not log in on this device.
    return slot if slot and getattr(request.user, "is_counselor", False) else ""


def _owner_of(request: HttpRequest) -> str:
    """Return a value that only this login has. It costs no query, and nobody can derive the session from it."""
    session: Any = getattr(request, "session", None)
    key = session.session_key if session is not None else None
    return salted_hmac("offline copies", key).hexdigest()[:32] if key else NOBODY
