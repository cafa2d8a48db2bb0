"""Parsers of API bodies that clear texts of only invisible characters."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import DataAndFiles, MultiPartParser

from accounts.web.visible_text import clear_unseen


def clear_unseen_values(value: Any) -> Any:
    """Return a JSON value in which strings of only invisible characters are replaced by empty ones."""
    if isinstance(value, str):
        return clear_unseen(value)
    if isinstance(value, list):
        return [clear_unseen_values(one) for one in value]
    return {name: clear_unseen_values(one) for name, one in value.items()} if isinstance(value, dict) else value


class CleanMultiPartParser(MultiPartParser):
    """A multipart parser that clears fields of only invisible characters."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> "DataAndFiles[Any, Any]":
        parsed = super().parse(stream, media_type, parser_context)
        data = parsed.data.copy()
        for name, values in parsed.data.lists():
            data.setlist(name, [clear_unseen(value) for value in values])
        return DataAndFiles(data, parsed.files)
