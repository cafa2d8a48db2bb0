"""Redis cache that fails open: it is used only to throttle requests, so nobody is refused while Redis is down."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds until Redis counts as down
PAUSE_SECONDS = 5.0  # without an attempt after a failure, so that requests do not wait for Redis one after another
LOG_EVERY = 60.0  # seconds between log lines about the same outage


class FailOpenRedisCache(RedisCache):
    """Django's Redis cache, which behaves like an empty cache while Redis is down."""

    clock = staticmethod(time.monotonic)

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = params.setdefault("OPTIONS", {})
        options.setdefault("socket_connect_timeout", TIMEOUT)
        options.setdefault("socket_timeout", TIMEOUT)
        options.setdefault("retry", Retry(NoBackoff(), 0))
        super().__init__(server, params)
        self._paused_until = self._logged_at = float("-inf")

    def add(self, *args: Any, **options: Any) -> bool:
        return self._attempt(super().add, True, *args, **options)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._attempt(super().get, default, key, default=default, version=version)

    def set(self, *args: Any, **options: Any) -> None:
        self._attempt(super().set, None, *args, **options)

    def touch(self, *args: Any, **options: Any) -> bool:
        return self._attempt(super().touch, False, *args, **options)

    def delete(self, *args: Any, **options: Any) -> bool:
        return self._attempt(super().delete, False, *args, **options)

    def get_many(self, *args: Any, **options: Any) -> dict[Any, Any]:
        return self._attempt(super().get_many, {}, *args, **options)

    def has_key(self, *args: Any, **options: Any) -> bool:
        return self._attempt(super().has_key, False, *args, **options)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        return self._attempt(super().incr, delta, key, delta=delta, version=version)

    def set_many(self, data: Any, *args: Any, **options: Any) -> list[Any]:
        return self._attempt(super().set_many, list(data), data, *args, **options)

    def delete_many(self, *args: Any, **options: Any) -> None:
        self._attempt(super().delete_many, None, *args, **options)

    def clear(self) -> None:
        self._attempt(super().clear, None)

    def _attempt(self, operation: Callable[..., Any], otherwise: Any, *args: Any, **options: Any) -> Any:
        """Return the operation's result, or `otherwise` while Redis is down."""
        if self.clock() < self._paused_until:
            return otherwise
        try:
            return operation(*args, **options)
        except (RedisError, OSError) as error:
            self._record(error)
            return otherwise

    def _record(self, error: Exception) -> None:
        now = self.clock()
        self._paused_until = now + PAUSE_SECONDS
        if now - self._logged_at >= LOG_EVERY:
            self._logged_at = now
            logger.warning("Redis is down, so requests are not throttled: %s", type(error).__name__)
