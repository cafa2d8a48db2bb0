"""Body of the API's error responses, the same for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.web.request_ids import current_request_id

WHOLE_BODY = "non_field_errors"  # errors that belong to no field


def error_body(detail: str, code: str, fields: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """Return `detail` for people, `code` for programs, errors by field, and the request's id for support."""
    return {"detail": detail, "code": code, "fields": dict(fields or {}), "request_id": current_request_id.get()}


def flatten_errors(errors: Any, path: str = "") -> dict[str, list[str]]:
    """Return DRF's errors by the path of their field, such as `scenario.title` or `people.0.email`."""
    if isinstance(errors, Mapping):
        found: dict[str, list[str]] = {}
        for name, inner in errors.items():
            own = path if name == WHOLE_BODY and path else f"{path}.{name}" if path else str(name)
            for field, messages in flatten_errors(inner, own).items():
                found.setdefault(field, []).extend(messages)
        return found
    if not isinstance(errors, list | tuple):
        return {path or WHOLE_BODY: [str(errors)]}
    if not any(isinstance(one, Mapping | list | tuple) for one in errors):
        return {path or WHOLE_BODY: [str(one) for one in errors]} if errors else {}
    return flatten_errors({str(index): one for index, one in enumerate(errors) if one}, path)
