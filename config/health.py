"""Health and readiness endpoints."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from config.celery import app as celery_app

_CHECK_TIMEOUT = 2.0  # seconds
_check_pool = ThreadPoolExecutor(max_workers=6, thread_name_prefix="ready")


def health(request: HttpRequest) -> JsonResponse:
    """Report that this process responds."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Report readiness: 503 without the database. Broker, storage, and OpenAI are reported as ok or degraded."""
    others = {"broker": _broker_answers, "storage": _storage_answers, "openai": _openai_is_reachable}
    looks = {name: _check_pool.submit(_check_state, look) for name, look in others.items()}
    parts = {"database": _check_state(_database_answers)}
    # A check that hangs counts as degraded and does not delay the response further.
    seen, unseen = wait(looks.values(), timeout=_CHECK_TIMEOUT)
    for look in unseen:
        look.cancel()
    parts |= {name: look.result() if look in seen else "degraded" for name, look in looks.items()}
    is_ready = parts["database"] == "ok"
    return JsonResponse({"status": "ok" if is_ready else "unavailable"} | parts, status=200 if is_ready else 503)


def _check_state(look: Callable[[], None]) -> str:
    try:
        look()
    except Exception:  # drivers raise errors of many types
        return "degraded"
    return "ok"


def _database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        if cursor.fetchone() != (1,):
            raise DatabaseError("unexpected answer")


def _broker_answers() -> None:
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=int(_CHECK_TIMEOUT))


def _storage_answers() -> None:
    default_storage.exists("ready")


def _openai_is_reachable() -> None:
    address = urlsplit(settings.OPENAI_BASE_URL)
    port = address.port or (443 if address.scheme == "https" else 80)
    socket.create_connection((address.hostname or "", port), timeout=_CHECK_TIMEOUT).close()
