"""Responses to requests that have created something."""

from typing import Any, ClassVar

from django.urls import reverse
from rest_framework.mixins import CreateModelMixin
from rest_framework.response import Response


def created_response(data: Any, url_name: str, *args: object) -> Response:
    """Return 201 with the address of the new thing as `Location`."""
    return Response(data, status=201, headers={"Location": reverse(url_name, args=args)})


class LocatedCreateMixin(CreateModelMixin):
    """Create action with the address of the new row as `Location`. DRF's own takes any field named `url` for it."""

    detail_url_name: ClassVar[str]

    def get_success_headers(self, data: Any) -> dict[str, str]:
        return {"Location": reverse(self.detail_url_name, args=[data["id"]])}
