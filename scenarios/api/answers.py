from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException

PREFER = OpenApiParameter("Prefer", str, OpenApiParameter.HEADER, description="`wait=10`: answer when it is done")


class Refusal(APIException):
    """A refusal that tells programs more than its words."""

    def __init__(self, status: int, code: str, detail: str, **extra: object) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.extra = extra
