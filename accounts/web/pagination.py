"""Cursor pagination of the API."""

import re
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class StandardCursorPagination(CursorPagination):
    """Cursor pagination: a page begins where the previous one ended, even if rows are inserted in between."""

    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering: Any = "-created_at"

    def get_page_size(self, request: Request) -> int:
        requested = request.query_params.get("page_size", str(self.page_size))
        if not re.fullmatch("[1-9][0-9]?|100", requested):
            message = _("Enter a number from 1 to %(maximum)d.") % {"maximum": self.max_page_size}
            raise ValidationError({"page_size": message})
        return int(requested)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return parameters

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            raise ValidationError({"cursor": self.invalid_cursor_message}) from None
        if cursor and "\0" in str(cursor.position):
            raise ValidationError({"cursor": self.invalid_cursor_message})
        return cursor


class TitleCursorPagination(StandardCursorPagination):
    ordering = ("title", "id")


class NameCursorPagination(StandardCursorPagination):
    ordering = ("name", "id")
