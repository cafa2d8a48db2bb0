"""OpenAI's HTTP errors in OpenAI's own wording, because clients match on it."""

from collections.abc import Mapping

from .json_types import JSON


class ApiError(Exception):
    """HTTP error that the router turns into OpenAI's error body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.error_type = status, message, code, param, kind
        self.headers = dict(headers or {})

    def body(self) -> JSON:
        return {"error": {"message": self.message, "type": self.error_type, "param": self.param, "code": self.code}}


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, message, param=param, code=code)


def missing_parameter(param: str) -> ApiError:
    return bad_request(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def unknown_parameter(param: str) -> ApiError:
    return bad_request(f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def file_not_found(file_id: str) -> ApiError:
    return ApiError(404, f"No such File object: {file_id}", param="id")


def vector_store_not_found(store_id: str) -> ApiError:
    return ApiError(404, f"No vector store found with id '{store_id}'.", param="vector_store_id")


def searched_vector_store_not_found(store_id: str) -> ApiError:
    return ApiError(404, f"Vector store with id ['{store_id}'] not found.", param="tools")


def vector_store_file_not_found(file_id: str, store_id: str) -> ApiError:
    return ApiError(404, f"No file found with id '{file_id}' in vector store '{store_id}'.", param="file_id")


def response_not_found(response_id: str) -> ApiError:
    return ApiError(404, f"Response with id '{response_id}' not found.")


def missing_api_key() -> ApiError:
    return ApiError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
    )


def incorrect_api_key(key: str) -> ApiError:
    masked = key[:8] + "*" * max(0, len(key) - 8)
    return ApiError(401, f"Incorrect API key provided: {masked}.", code="invalid_api_key")
