"""Access to the API for scripts of other sites (CORS), decided before any limit or view.

The rules and settings are those of django-cors-headers. Its Django middleware would miss the responses of other layers.
"""

from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest, HttpResponse

_RULES = CorsMiddleware(lambda request: HttpResponse())
_HEADERS = {b"origin": "HTTP_ORIGIN", b"access-control-request-method": "HTTP_ACCESS_CONTROL_REQUEST_METHOD"}


class PreflightMiddleware:
    """ASGI middleware that answers browsers' preflight requests.

    They count toward no limit: if one were refused, no script could read why.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http" or _has_body(scope) or not _RULES.check_preflight(_build_request(scope)):
            return await self.app(scope, receive, send)
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def cross_origin_headers(scope: Any) -> dict[str, str]:
    """Return the headers that let the script of an allowed site read the response to this request."""
    response = HttpResponse()
    del response["Content-Type"]
    _RULES.add_response_headers(_build_request(scope), response)
    return dict(response.items())


def _build_request(scope: HTTPScope) -> HttpRequest:
    """Return a request with only what the rules look at. Reading more could fail for a malformed request."""
    request = HttpRequest()
    request.method, request.path_info = scope["method"], scope["path"]
    request.META = {_HEADERS[name]: value.decode("latin-1") for name, value in scope["headers"] if name in _HEADERS}
    return request


def _has_body(scope: HTTPScope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
