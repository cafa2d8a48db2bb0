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
    """Report readiness: 503 if the database fails. Broker, storage, and OpenAI are reported as ok or degraded."""
    optional_checks = {"broker": _check_broker, "storage": _check_storage, "openai": _check_openai}
    futures = {name: _check_pool.submit(_check_state, check) for name, check in optional_checks.items()}
    states = {"database": _check_state(_check_database)}
    # A check that hangs counts as degraded and does not delay the response further.
    finished, unfinished = wait(futures.values(), timeout=_CHECK_TIMEOUT)
    for future in unfinished:
        future.cancel()
    states |= {name: future.result() if future in finished else "degraded" for name, future in futures.items()}
    is_ready = states["database"] == "ok"
    return JsonResponse({"status": "ok" if is_ready else "unavailable"} | states, status=200 if is_ready else 503)


def _check_state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:  # drivers raise errors of many types
        return "degraded"
    return "ok"


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        if cursor.fetchone() != (1,):
            raise DatabaseError("The database returned an unexpected result.")


def _check_broker() -> None:
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=int(_CHECK_TIMEOUT))


def _check_storage() -> None:
    default_storage.exists("ready")


def _check_openai() -> None:
    address = urlsplit(settings.OPENAI_BASE_URL)
    port = address.port or (443 if address.scheme == "https" else 80)
    socket.create_connection((address.hostname or "", port), timeout=_CHECK_TIMEOUT).close()
