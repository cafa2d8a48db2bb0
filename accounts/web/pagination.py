"""Cursor pagination of the API."""

import re
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
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

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor = super().decode_cursor(request)
        if cursor and "\0" in str(cursor.position):
            raise ValidationError({"cursor": self.invalid_cursor_message})
        return cursor


class TitleCursorPagination(StandardCursorPagination):
    ordering = ("title", "id")


class NameCursorPagination(StandardCursorPagination):
    ordering = ("name", "id")
