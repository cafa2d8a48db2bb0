"""Inputs of API requests that no serializer reads: query parameters, and bodies where none is expected."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.web.serializers import refuse_unknown_fields

Declared = TypeVar("Declared", bound=Callable[..., Any])
_READ_METHODS = {"GET", "HEAD"}


def query_parameters(*names: str) -> Callable[[Declared], Declared]:
    """Declare the parameters of a viewset's action or, above `@api_view`, of a view.

    A view class sets the attribute `query_parameters` instead. Filters and pagination of lists need no declaration.
    """

    def declare(target: Declared) -> Declared:
        owner: Any = getattr(target, "cls", target)
        owner.query_parameters = frozenset(names)
        return target

    return declare


def without_body(target: Declared) -> Declared:
    """Declare that a POST to this action, or to this `@api_view`, has no fields."""
    owner: Any = getattr(target, "cls", target)
    owner.is_without_body = True
    return target


def accepted_parameters(view: Any, method: str) -> list[str]:
    """Return the names of all parameters that a request with this method may have."""
    action = getattr(view, "action", None)
    handler = getattr(view, action or method.lower(), None)
    declared = {*getattr(view, "query_parameters", ()), *getattr(handler, "query_parameters", ())}
    is_list = action == "list" if hasattr(view, "action_map") else isinstance(view, ListModelMixin)
    if is_list and method in _READ_METHODS:
        declared |= set(getattr(getattr(view, "filterset_class", None), "base_filters", ()))
        if getattr(view, "pagination_class", None):
            declared |= {"cursor", "page_size"}
    return sorted(declared)


class RequestInputCheck(BaseThrottle):
    """Check that refuses unknown and repeated query parameters and unknown fields.

    Ignoring them would hide a client's mistake.

    DRF runs throttles after authentication and permissions, and no view of ours replaces them.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.method == "OPTIONS":
            return True
        refuse_unknown_fields(request.query_params, accepted_parameters(view, request.method or ""))
        _refuse_repeated(request.query_params)
        if _is_without_body(view, request) and isinstance(request.data, Mapping):
            refuse_unknown_fields(request.data, [])
        return True


def _refuse_repeated(parameters: QueryDict) -> None:
    """Raise ValidationError naming every repeated parameter. Only its last value would be used."""
    repeated = [name for name, values in parameters.lists() if len(values) > 1]
    if repeated:
        raise ValidationError({name: [_("Send this parameter only once.")] for name in repeated})


def _is_without_body(view: Any, request: Request) -> bool:
    handler = getattr(view, getattr(view, "action", None) or "", None)
    is_declared = getattr(view, "is_without_body", False) or getattr(handler, "is_without_body", False)
    return is_declared and request.method == "POST" and "json" in (request.content_type or "")
