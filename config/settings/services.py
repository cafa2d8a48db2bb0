"""Connections to the database, Redis, the object store, and the mail server."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.settings.environment import (
    DATABASE_POOL_SIZE,
    DATABASE_POOL_TIMEOUT,
    DATABASE_URL,
    DEBUG,
    EMAIL_URL,
    REDIS_URL,
    STORAGE_URL,
    VISIBILITY_TIMEOUT,
)

if DATABASE_URL["ENGINE"].endswith("sqlite3"):
    # A deferred transaction that becomes a writer would fail at once, regardless of the timeout.
    DATABASE_URL["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif not DATABASE_URL["ENGINE"].endswith("postgresql"):
    raise ImproperlyConfigured("DATABASE_URL: must begin with sqlite: or postgresql:")
else:
    DATABASE_URL["OPTIONS"] = {
        **DATABASE_URL.get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": DATABASE_POOL_SIZE,
            "timeout": DATABASE_POOL_TIMEOUT,
            # Seconds. The pool doubles the delay between attempts to connect. Starting over after this time keeps it
            # short, so that a process recovers within seconds of its database.
            "reconnect_timeout": 5.0,
        },
    }
    DATABASE_URL["CONN_HEALTH_CHECKS"] = True  # replaces connections that the server has closed
DATABASE_URL["CONN_MAX_AGE"] = 0  # persistent connections leak under ASGI, and the pool keeps its own
DATABASES = {"default": DATABASE_URL}

if REDIS_URL.startswith("memory:"):
    CHANNEL_LAYERS: dict[str, dict[str, object]] = {
        "default": {"BACKEND": "config.in_memory_channel_layer.ThreadSafeInMemoryChannelLayer"}
    }
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"polling_interval": 0.05}
else:
    CACHES = {"default": {"BACKEND": "config.cache.FailOpenRedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
    # The visibility timeout exceeds any task's hard limit. Frequent scans return a killed worker's task soon after it.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "socket_connect_timeout": 2,
        # Longer than the one second that a worker waits for a message. Without it, publishing to a broker that is
        # connected but silent would never end.
        "socket_timeout": 2.5,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A worker with several queues takes from the first one that is not empty.
        "queue_order_strategy": "priority",
        # Publishing gives up after one attempt: the row exists, and a sweep queues it.
        "max_retries": 0,
    }

_storage = urlsplit(STORAGE_URL)
if _storage.scheme == "s3":
    _query = {name: values[-1] for name, values in parse_qs(_storage.query).items()}

    def _seconds(name: str, default: float) -> float:
        try:
            return float(_query.get(name, default))
        except ValueError:
            raise ImproperlyConfigured(f"STORAGE_URL: {name} must be a number of seconds") from None

    _default_storage: dict[str, object] = {
        "BACKEND": "config.storage.s3.PrivateS3Storage",
        "OPTIONS": {
            "bucket_name": _storage.netloc,
            "endpoint_url": _query.get("endpoint_url"),
            "region_name": _query.get("region_name"),
            # Seconds. With three attempts each, an upload to an unresponsive store fails after half a minute and is
            # retried later.
            "connect_timeout": _seconds("connect_timeout", 2.0),
            "read_timeout": _seconds("read_timeout", 10.0),
        },
    }
else:
    MEDIA_ROOT = Path(unquote(_storage.path) or ".").resolve()
    _default_storage = {"BACKEND": "config.storage.disk.PrivateFileStorage", "OPTIONS": {"location": MEDIA_ROOT}}
STORAGES = {
    "default": _default_storage,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.static.ProductStaticStorage"
    },
}

if "EMAIL_BACKEND" not in EMAIL_URL:
    raise ImproperlyConfigured("EMAIL_URL: must begin with smtp:, submission:, smtps:, console:, file: or memory:")
globals().update({name: value for name, value in EMAIL_URL.items() if name.startswith("EMAIL_")})
EMAIL_TIMEOUT = 10  # seconds for one reply from the mail server
if EMAIL_URL["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
    EMAIL_BACKEND = "accounts.integrations.email_backend.DeadlineEmailBackend"
