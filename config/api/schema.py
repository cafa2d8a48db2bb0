"""Error responses in the API's schema, the same for all operations."""

from typing import Any

ERROR = "Error"
ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Body of every error. Some errors have more fields, such as `retry_after`.",
    "required": ["detail", "code", "fields", "request_id"],
    "properties": {
        "detail": {"type": "string", "description": "What happened, for people."},
        "code": {"type": "string", "description": "What happened, for programs."},
        "fields": {
            "type": "object",
            "description": "Errors by the path of their field, such as `scenario.title`, `people.0.email`, or "
            "`non_field_errors`. Empty unless the request is invalid.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string", "description": "The response's `X-Request-ID`. Name it to support."},
    },
    "additionalProperties": True,
}
_ID_HEADER = {"schema": {"type": "string"}, "description": "Also in the body and in the server's log."}
_RETRY_HEADER = {"schema": {"type": "integer"}, "description": "Seconds."}
_CHALLENGE_HEADER = {"schema": {"type": "string"}, "description": "`Bearer`."}
# By status: the name of the component, its description, and its own headers.
_RESPONSES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "400": ("BadRequest", "The request is malformed, or has an unknown or invalid field or parameter.", {}),
    "401": ("NotAuthenticated", "There is no login, or the token is bad.", {"WWW-Authenticate": _CHALLENGE_HEADER}),
    "403": ("PermissionDenied", "The login or the token may not do this.", {}),
    "404": ("NotFound", "There is no such thing, or it belongs to someone else.", {}),
    "405": ("MethodNotAllowed", "This address does not have this method.", {}),
    "406": ("NotAcceptable", "There is no response of the type in `Accept`.", {}),
    "408": ("BodyTooSlow", "The body did not arrive in time.", {}),
    "409": ("Conflict", "The state of the thing does not allow this now.", {}),
    "411": ("LengthRequired", "The body has no `Content-Length`.", {}),
    "413": ("BodyTooLarge", "The body is too large.", {}),
    "415": ("UnsupportedMediaType", "The body has a type that this address does not read.", {}),
    "422": ("KeyReused", "The `Idempotency-Key` was used for another request.", {}),
    "429": ("TooManyRequests", "A rate limit is reached.", {"Retry-After": _RETRY_HEADER}),
    "500": ("ServerError", "An error of ours, which was logged.", {}),
    "503": ("Unavailable", "A part of the service is away. Try again later.", {"Retry-After": _RETRY_HEADER}),
}
_ALWAYS = ("400", "405", "406", "429", "500", "503")
_WITH_LOGIN = ("401", "403")
_WHEN_WRITING = ("408", "409", "411", "413", "415", "422")

_WITH_PERSON_PARAMETER = {"/api/progress/"}  # a query parameter selects a person, who may not exist


def describe_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the error responses to each operation, as drf-spectacular's postprocessing hook."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})[ERROR] = ERROR_SCHEMA
    components["responses"] = {name: _build_response(text, extra) for name, text, extra in _RESPONSES.values()}
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in _statuses_of(path, method, operation):
                reference = {"$ref": f"#/components/responses/{_RESPONSES[status][0]}"}
                operation["responses"].setdefault(status, reference)
    return result


def _statuses_of(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    is_open = operation.get("security") == [{}] or "security" not in operation
    chosen = [*_ALWAYS]
    chosen += () if is_open else _WITH_LOGIN
    chosen += ("404",) if "{" in path or method != "get" or path in _WITH_PERSON_PARAMETER else ()
    return sorted(chosen + [*(_WHEN_WRITING if method != "get" else ())])


def _build_response(description: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ERROR}"}}}
    return {"description": description, "headers": {"X-Request-ID": _ID_HEADER} | headers, "content": content}
