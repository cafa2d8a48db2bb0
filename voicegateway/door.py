from typing import Any

import orjson


async def deny(scope: Any, send: Any, reason: str) -> None:
    """403 with the reason, which a browser hides from its page: the page asks for a ticket again and is told."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps({"reason": reason})})
