"""The few ASGI shapes this app touches."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

# ASGI's own contract: messages are loosely typed dictionaries.
Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
