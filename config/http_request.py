"""Django request that tolerates malformed headers."""

from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.utils.http import parse_header_parameters


class TolerantRequest(ASGIRequest):
    """Request that ignores an invalid `Content-Type`, as Django ignores an unknown charset.

    Django would decode the query string while it creates the request, before any error handler applies. A charset such
    as `rot13`, or too many parameters, would cause an error 500.
    """

    def _set_content_type_params(self, meta: Any) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}
        charset = self.content_params.get("charset", "")
        if charset and is_text_charset(charset):
            # Do not use the property, which decodes the query string.
            self._encoding = charset


def is_text_charset(name: str) -> bool:
    """Return True if bytes can be decoded with this charset, with a replacement for invalid ones."""
    try:
        return isinstance(bytes(range(256)).decode(name, "replace"), str)
    except (LookupError, ValueError):
        return False
