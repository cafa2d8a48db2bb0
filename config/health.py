import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from config.celery import app as celery_app

_GLANCE = 2.0  # seconds
_lookouts = ThreadPoolExecutor(max_workers=6, thread_name_prefix="ready")


def health(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 only without the database; broker, storage and OpenAI are named as ok or degraded."""
    others = {"broker": _broker_answers, "storage": _storage_answers, "openai": _openai_is_reachable}
    looks = {name: _lookouts.submit(_state, look) for name, look in others.items()}
    parts = {"database": _state(_database_answers)}
    # What hangs is not ok, and does not take this answer with it.
    seen, unseen = wait(looks.values(), timeout=_GLANCE)
    for look in unseen:
        look.cancel()
    parts |= {name: look.result() if look in seen else "degraded" for name, look in looks.items()}
    is_ready = parts["database"] == "ok"
    return JsonResponse({"status": "ok" if is_ready else "unavailable"} | parts, status=200 if is_ready else 503)


def _state(look: Callable[[], None]) -> str:
    try:
        look()
    except Exception:  # whatever a driver raises, the answer is the same: not now
        return "degraded"
    return "ok"


def _database_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        if cursor.fetchone() != (1,):
            raise DatabaseError("unexpected answer")


def _broker_answers() -> None:
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=int(_GLANCE))


def _storage_answers() -> None:
    default_storage.exists("ready")


def _openai_is_reachable() -> None:
    address = urlsplit(settings.OPENAI_BASE_URL)
    port = address.port or (443 if address.scheme == "https" else 80)
    socket.create_connection((address.hostname or "", port), timeout=_GLANCE).close()
