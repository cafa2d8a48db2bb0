"""Rejection of a WebSocket handshake."""

from typing import Any

import orjson

from voicegateway.browser.uvicorn_protocol import FAST_PATH


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
    if protocol := scope["extensions"].get(FAST_PATH):
        # uvicorn counts only an accepted handshake as complete, and would log an error for each refusal.
        protocol.handshake_complete = True
