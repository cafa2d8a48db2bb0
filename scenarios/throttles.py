from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class GenerationThrottle(UserRateThrottle):
    """Drafts of one person, begun on the page or over the API: each of them costs."""

    scope = "generation"

    @classmethod
    def allows(cls, request: HttpRequest) -> bool:
        """The same for a page, which is no view of the API."""
        return cls().allow_request(cast(Request, request), cast(APIView, None))
