"""Ids of requests, for responses, error bodies, and logs."""

import re
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,100}")
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def choose_request_id(scope: Any) -> str:
    """Return the id that a proxy or client has sent, if it is well-formed, or else a new one."""
    sent = dict(scope["headers"]).get(HEADER.lower().encode(), b"").decode("latin-1")
    return sent if _ACCEPTED.fullmatch(sent) else uuid4().hex
