import asyncio
import contextlib
from fnmatch import fnmatchcase
from typing import Any

import orjson
from asgiref.typing import ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.template.loader import render_to_string

# A browser shows an answer only when it could send everything. So many times the limit is read and thrown away for
# it, in so many seconds, and no more: whoever says that they are a browser need not be one.
_DRAINED = 2
_PATIENCE = 10.0
# What a form holds beside its file. Who chooses a file knows the limit of the file.
_AROUND_A_FILE = 1024**2
# Django takes a body without a length for an empty one.
_WITHOUT_LENGTH = orjson.dumps({"detail": "Send the body with a Content-Length.", "code": "length_required"})


class BodyLimit:
    """Refuses a request body over its limit, or without a length, before Django sees it.

    Django reads a whole body into memory or a temporary file before any view or login check runs.
    `limits` maps the beginning of a path to bytes; `default` holds for every other path.
    """

    def __init__(self, app: Any, limits: dict[str, int], default: int, patience: float = _PATIENCE) -> None:
        self.app, self.limits, self.default, self.patience = app, limits, default, patience

    def limit_for(self, path: str) -> int:
        """Of the first beginning of a path that this one has; a `*` in it stands for an id."""
        found = (limit for begin, limit in self.limits.items() if fnmatchcase(path, f"{begin}*"))
        return next(found, self.default)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if _has_no_length(scope):
            return await _answer(send, 411, b"application/json", _WITHOUT_LENGTH)
        limit = self.limit_for(scope["path"])
        announced = _announced(scope)
        if announced > limit:
            left = announced if announced <= _DRAINED * limit else 0
            return await self._refuse(scope, receive, send, limit, left)
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
            await self._refuse(scope, receive, send, limit, 0 if is_all_taken else (_DRAINED - 1) * limit)

    async def _refuse(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, limit: int, left: int
    ) -> None:
        """Answer 413, to a browser after at most the `left` bytes that it may still be sending."""
        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            await self._drain(receive, left)
            kind = b"text/html; charset=utf-8"
            body = render_to_string("413.html", {"limit": _for_people(limit)}).encode()
        else:
            kind = b"application/json"
            body = orjson.dumps({"detail": f"Too large: at most {limit:,} bytes are taken here.", "code": "too_large"})
        await _answer(send, 413, kind, body)

    async def _drain(self, receive: ASGIReceiveCallable, left: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                while left > 0:
                    event = await receive()
                    if event["type"] != "http.request" or not event.get("more_body"):
                        return
                    left -= len(event.get("body", b""))


async def _answer(send: ASGISendCallable, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _has_no_length(scope: HTTPScope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers and b"content-length" not in headers


def _announced(scope: HTTPScope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _for_people(limit: int) -> str:
    return f"{(limit - _AROUND_A_FILE if limit > _AROUND_A_FILE else limit) / 1024**2:.3g} MB"
