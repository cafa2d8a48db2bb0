"""Errors and parameters shared by the scenario APIs."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException

PREFER_PARAMETER = OpenApiParameter(
    "Prefer", str, OpenApiParameter.HEADER, description="`wait=10` waits up to 10 seconds for the result."
)


class DetailedAPIError(APIException):
    """An API error with machine-readable fields in addition to the message."""

    def __init__(self, status: int, code: str, detail: str, **extra: object) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.extra = extra
