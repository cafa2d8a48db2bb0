"""Rate limit on draft generation."""

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class GenerationThrottle(UserRateThrottle):
    """Throttle on the drafts of one person, shared by the page and the API, because each draft costs money."""

    scope = "generation"

    @classmethod
    def allows(cls, request: HttpRequest) -> bool:
        """Count a request to a page, which is not an API view, and return True if it is allowed."""
        return cls().allow_request(cast(Request, request), cast(APIView, None))
