"""`Idempotency-Key` support, so that a POST can be retried after a lost response without creating anything twice."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import IdempotentCall
from accounts.web.waiting import follow_final_response

MAX_KEY_LENGTH = 200  # characters
ABANDONED_AFTER = timedelta(seconds=120)  # age at which a call without a response counts as failed
_UNSTORED_STATUSES = {401, 403, 429}  # a later retry may be allowed


def idempotent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a view so that a POST with a known `Idempotency-Key` gets the stored response.

    The same key with a different request returns 422. A retry while the first request is still running returns 409.
    Server errors are not stored.
    """

    @wraps(view)
    def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key")
        is_stream = "text/event-stream" in request.headers.get("Accept", "")
        if key is None or request.method != "POST" or is_stream:
            return view(request, *args, **kwargs)
        if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
            detail = _("An Idempotency-Key must have 1 to %(maximum)d printable ASCII characters.")
            return _error_response(400, "idempotency_key", detail % {"maximum": MAX_KEY_LENGTH})
        call, is_claimed = _claim_call(_credentials_digest(request), key, _request_digest(request))
        if not is_claimed:
            return _replay_response(call, request)
        try:
            response = view(request, *args, **kwargs)
        except BaseException:
            call.delete()
            raise
        _store_response(call, response)
        follow_final_response(response, lambda final: _store_response(call, final))
        return response

    return wrapped_view


def _credentials_digest(request: HttpRequest) -> str:
    """Return a digest of the sender's credentials, so that people do not share keys."""
    credentials = request.headers.get("Authorization") or request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return hashlib.sha256(credentials.encode()).hexdigest()


def _request_digest(request: HttpRequest) -> str:
    parts = [(request.method or "").encode(), request.get_full_path().encode(), request.body]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _claim_call(caller: str, key: str, digest: str) -> tuple[IdempotentCall, bool]:
    """Return the row for this key, and True if this request must run the view. The unique index is the lock."""
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(caller=caller, key=key, digest=digest), True
    except IntegrityError:
        existing = IdempotentCall.objects.get(caller=caller, key=key)
    abandoned = IdempotentCall.objects.filter(
        pk=existing.pk, digest=digest, status=None, created_at__lt=timezone.now() - ABANDONED_AFTER
    )
    return existing, bool(abandoned.update(created_at=timezone.now()))


def _replay_response(call: IdempotentCall, request: HttpRequest) -> HttpResponse:
    """Return the stored response, 422 for a different request, or 409 while the first one is still running."""
    if call.digest != _request_digest(request):
        return _error_response(422, "key_reused", _("This Idempotency-Key was already used for a different request."))
    if call.status is None:
        return _error_response(
            409, "idempotency_in_progress", _("The first request with this Idempotency-Key is still in progress.")
        )
    response = HttpResponse(call.body, status=call.status, content_type=call.content_type)
    response["Idempotent-Replayed"] = "true"
    if call.location:
        response["Location"] = call.location
    return response


def _store_response(call: IdempotentCall, response: HttpResponseBase) -> None:
    """Store the response, or delete the row if a retry should run the view again."""
    if response.status_code >= 500 or response.status_code in _UNSTORED_STATUSES or response.streaming:
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


def _error_response(status: int, code: str, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail, "code": code}, status=status)


def delete_expired_calls() -> int:
    """Delete keys older than one day. Return the number of deleted rows."""
    return IdempotentCall.objects.filter(created_at__lt=timezone.now() - timedelta(days=1)).delete()[0]
