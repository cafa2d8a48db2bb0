"""Rejection of a WebSocket handshake."""

from typing import Any

import orjson


async def deny_handshake(scope: Any, send: Any, reason: str) -> None:
    """Reject the handshake with status 403 and the reason as JSON, or close the socket if the server cannot.

    A browser hides this body from the page. The page requests another ticket and gets the reason from that answer.
    """
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps({"reason": reason})})
