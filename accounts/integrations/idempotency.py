"""`Idempotency-Key` support, so that a POST can be retried after a lost response without creating anything twice."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from io import BytesIO
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.views import APIView

from accounts.models import IdempotentCall, ServiceToken, User
from accounts.web.error_bodies import error_body
from accounts.web.waiting import follow_final_response

MAX_KEY_LENGTH = 200  # characters
ABANDONED_AFTER = timedelta(seconds=120)  # age at which a call without a response counts as failed
_UNSTORED_STATUSES = {401, 403, 429}  # a later retry may be allowed
_SECRET_FIELDS = {"secret", "token", "ticket", "password"}  # names of fields whose values are never stored


def idempotent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap an API view so that a POST with a known `Idempotency-Key` gets the stored response.

    The same key with a different request returns 422. A retry while the first request is still running returns 409.
    Server errors are not stored, and neither are secrets: retrying a request that returned one gets a 409 that says so.

    The caller is identified and authorized before the key is looked up, so that neither a revoked token nor a
    logged-out session gets a stored response.
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
        # Read the body before the access check, because Django can't return it once it has been parsed as a form.
        digest = _request_digest(request)
        caller = _authorize_caller(view, request, args, kwargs)
        if caller is None:
            return view(request, *args, **kwargs)  # refuses with its own message
        call, is_claimed = _claim_call(caller, key, digest)
        if not is_claimed:
            return _replay_response(call, digest)
        try:
            response = view(request, *args, **kwargs)
        except BaseException:
            call.delete()
            raise
        _store_response(call, response)
        follow_final_response(response, lambda final: _store_response(call, final))
        return response

    wrapped_view.is_idempotent = True  # type: ignore[attr-defined]
    return wrapped_view


def _authorize_caller(
    view: Callable[..., HttpResponseBase], request: HttpRequest, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str | None:
    """Return a digest of the caller and their rights, or None if the view would refuse them.

    The rights are part of the digest, so that the view decides again after a change of role or scopes.
    """
    checked: APIView = view.cls(**getattr(view, "initkwargs", {}))  # type: ignore[attr-defined]
    if actions := getattr(view, "actions", None):
        checked.action_map, checked.action = actions, actions.get("post", "")  # type: ignore[attr-defined]
    checked.args, checked.kwargs = args, kwargs
    checked.request = checked.initialize_request(request, *args, **kwargs)
    try:
        checked.perform_authentication(checked.request)
        checked.check_permissions(checked.request)
    except (APIException, PermissionDenied, Http404):
        return None
    user, token = checked.request.user, checked.request.auth
    if not isinstance(user, User) or not user.is_active:
        return None
    scopes = sorted(token.scopes) if isinstance(token, ServiceToken) else []
    rights = [str(user.pk), str(user.organization_id), user.role, str(user.is_superuser)]
    rights += [str(getattr(token, "pk", "")), *scopes]
    return hashlib.sha256("\0".join(rights).encode()).hexdigest()


def _request_digest(request: HttpRequest) -> str:
    parts = [(request.method or "").encode(), request.get_full_path().encode(), _read_body(request)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _read_body(request: HttpRequest) -> bytes:
    """Return the body and keep it for later reads.

    Django's limit for `body` is meant for forms without files and would refuse an upload. BODY_LIMITS applies instead.
    """
    try:
        return request.body
    except RequestDataTooBig:
        request._body = request.read()  # where Django caches the body
        request._stream = BytesIO(request._body)
        return request._body


def _claim_call(caller: str, key: str, digest: str) -> tuple[IdempotentCall, bool]:
    """Return the row for this key, and True if this request must run the view. The unique index is the lock."""
    existing = None
    while existing is None:
        try:
            with transaction.atomic():
                return IdempotentCall.objects.create(caller=caller, key=key, digest=digest), True
        except IntegrityError:
            # The other request may just have failed and deleted its row.
            existing = IdempotentCall.objects.filter(caller=caller, key=key).first()
    abandoned = IdempotentCall.objects.filter(
        pk=existing.pk, digest=digest, status=None, created_at__lt=timezone.now() - ABANDONED_AFTER
    )
    return existing, bool(abandoned.update(created_at=timezone.now()))


def _replay_response(call: IdempotentCall, digest: str) -> HttpResponse:
    """Return the stored response, 422 for a different request, or 409 while the first one is still running."""
    if call.digest != digest:
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
    location = response.headers.get("Location", "")
    if _holds_secret(data := getattr(response, "data", None)):
        response = _secret_not_kept_response(data)
    IdempotentCall.objects.filter(pk=call.pk).update(
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        location=location,
        body=response.content.decode(),  # type: ignore[attr-defined]
    )


def _holds_secret(data: Any) -> bool:
    """Return True if the response data contains a secret at any depth."""
    if isinstance(data, Mapping):
        return any((name in _SECRET_FIELDS and value) or _holds_secret(value) for name, value in data.items())
    return isinstance(data, list | tuple) and any(_holds_secret(one) for one in data)


def _secret_not_kept_response(data: Any) -> HttpResponse:
    """Return the response for retries of a request that returned a secret. Include the id of a created row."""
    detail = _(
        "The first request with this Idempotency-Key succeeded. Its response contained a secret, which is shown only "
        "once and was not kept. If you don’t have it, delete or revoke what was created, and create it again."
    )
    created = {"id": str(data["id"])} if isinstance(data, Mapping) and "id" in data else {}
    return JsonResponse(error_body(detail, "secret_not_kept") | created, status=409)


def _error_response(status: int, code: str, detail: str) -> HttpResponse:
    return JsonResponse(error_body(detail, code), status=status)


def delete_expired_calls() -> int:
    """Delete keys older than one day. Return the number of deleted rows."""
    return IdempotentCall.objects.filter(created_at__lt=timezone.now() - timedelta(days=1)).delete()[0]
