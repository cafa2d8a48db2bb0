from typing import Any

import orjson
from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, Scope


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
            return await _refuse(send, limit)
        taken = 0
        started = False

        async def counted() -> ASGIReceiveEvent:
            nonlocal taken
            event = await receive()
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
            await _refuse(send, limit)


async def _refuse(send: ASGISendCallable, limit: int) -> None:
    body = orjson.dumps({"detail": f"Too large: at most {limit:,} bytes are taken here.", "code": "too_large"})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
