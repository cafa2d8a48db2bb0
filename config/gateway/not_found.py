"""The page of the voice gateway for people who open its address in a browser. It serves no other files."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from accounts.web.response_policies import CONTENT_POLICY
from config.middleware.refusals import send_response, wants_page

TEXT = b"This server answers calls. The pages are on the web server."


async def answer_not_found(scope: Any, receive: Any, send: Any) -> None:
    """Respond with 404: a page that leads to the web server for a browser, and a line of text for programs."""
    if not wants_page(scope):
        return await send_response(send, 404, b"text/plain", TEXT)
    page, policy = _build_page()
    await send_response(send, 404, b"text/html; charset=utf-8", page, [(CONTENT_POLICY.lower().encode(), policy)])


@cache
def _build_page() -> tuple[bytes, bytes]:
    """Return the page and its policy, which allows exactly this style."""
    style = (settings.BASE_DIR / "templates" / "static" / "site" / "gateway.css").read_text()
    page = render_to_string("gateway.html", {"style": style, "address": settings.WEB_ORIGINS[0]})
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return page.encode(), f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'".encode()
