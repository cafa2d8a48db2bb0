from typing import Any

import orjson
from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.template.loader import render_to_string

# A browser shows an answer only when it could send everything: so much is read and thrown away for it.
_DRAINED = 256 * 1024**2


class BodyLimit:
    """Refuses a request body over its limit before Django sees it.

    Django reads a whole body into memory or a temporary file before any view or login check runs.
    `limits` maps the beginning of a path to bytes; `default` holds for every other path.
    """

    def __init__(self, app: Any, limits: dict[str, int], default: int) -> None:
        self.app, self.limits, self.default = app, limits, default

    def limit_for(self, path: str) -> int:
        return next((limit for prefix, limit in self.limits.items() if path.startswith(prefix)), self.default)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit = self.limit_for(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            return await _refuse(scope, receive, send, limit, is_all_taken=False)
        taken = 0
        started, is_all_taken = False, False

        async def counted() -> ASGIReceiveEvent:
            nonlocal taken, is_all_taken
            event = await receive()
            is_all_taken = event["type"] != "http.request" or not event.get("more_body")
            if event["type"] == "http.request":
                taken += len(event.get("body", b""))
            # Django closes its temporary file when the client is gone, and not when reading fails.
            return event if taken <= limit else {"type": "http.disconnect"}

        async def watched(event: Any) -> None:
            nonlocal started
            started = True
            await send(event)

        await self.app(scope, counted, watched)
        if taken > limit and not started:
            await _refuse(scope, receive, send, limit, is_all_taken)


async def _refuse(
    scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, limit: int, is_all_taken: bool
) -> None:
    if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
        if not is_all_taken:
            await _drain(receive)
        kind = b"text/html; charset=utf-8"
        body = render_to_string("413.html", {"limit": f"{limit / 1024**2:.3g} MB"}).encode()
    else:
        kind = b"application/json"
        body = orjson.dumps({"detail": f"Too large: at most {limit:,} bytes are taken here.", "code": "too_large"})
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _drain(receive: ASGIReceiveCallable) -> None:
    taken = 0
    while taken < _DRAINED:
        event = await receive()
        if event["type"] != "http.request" or not event.get("more_body"):
            return
        taken += len(event.get("body", b""))
