"""`Idempotency-Key`: a creating call that is sent again, because its answer was lost, creates nothing again."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone

from accounts.models import IdempotentCall

LONGEST_KEY = 200
LOST_AFTER = timedelta(seconds=120)  # an answer that is not there by then is not coming
_NOT_KEPT = {401, 403, 429}  # who asks again may be let in by then


def idempotent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer a POST with a known `Idempotency-Key` as it was answered before.

    The key with another body: 422. While the first is still being answered: 409. Failures of ours are not kept.
    """

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key")
        is_stream = "text/event-stream" in request.headers.get("Accept", "")
        if key is None or request.method != "POST" or is_stream:
            return view(request, *args, **kwargs)
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            return _refusal(400, "idempotency_key", f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.")
        call, is_mine = _begin(_caller(request), key, _digest(request))
        if not is_mine:
            return _answer_again(call, request)
        try:
            response = view(request, *args, **kwargs)
        except BaseException:
            call.delete()
            raise
        _keep(call, response)
        return response

    return once


def _caller(request: HttpRequest) -> str:
    """Whoever sends it: no two people share their keys."""
    login = request.headers.get("Authorization") or request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return hashlib.sha256(login.encode()).hexdigest()


def _digest(request: HttpRequest) -> str:
    parts = [(request.method or "").encode(), request.get_full_path().encode(), request.body]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _begin(caller: str, key: str, digest: str) -> tuple[IdempotentCall, bool]:
    """The row of this key, and whether it is this request that answers it. The index is the lock."""
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(caller=caller, key=key, digest=digest), True
    except IntegrityError:
        there = IdempotentCall.objects.get(caller=caller, key=key)
    lost = IdempotentCall.objects.filter(
        pk=there.pk, digest=digest, status=None, created_at__lt=timezone.now() - LOST_AFTER
    )
    return there, bool(lost.update(created_at=timezone.now()))


def _answer_again(call: IdempotentCall, request: HttpRequest) -> HttpResponse:
    if call.digest != _digest(request):
        return _refusal(422, "key_reused", "This Idempotency-Key was used for another request.")
    if call.status is None:
        return _refusal(409, "idempotency_in_progress", "The first request with this key is still being answered.")
    response = HttpResponse(call.body, status=call.status, content_type=call.content_type)
    response["Idempotent-Replayed"] = "true"
    if call.location:
        response["Location"] = call.location
    return response


def _keep(call: IdempotentCall, response: HttpResponseBase) -> None:
    if response.status_code >= 500 or response.status_code in _NOT_KEPT or response.streaming:
        call.delete()
        return
    if hasattr(response, "render"):
        response.render()
    IdempotentCall.objects.filter(pk=call.pk).update(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        location=response.headers.get("Location", ""),
        body=response.content.decode(),  # type: ignore[attr-defined]
    )


def _refusal(status: int, code: str, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail, "code": code}, status=status)


def forget_old_calls() -> int:
    """Keys are kept for a day. Return how many were forgotten."""
    return IdempotentCall.objects.filter(created_at__lt=timezone.now() - timedelta(days=1)).delete()[0]
