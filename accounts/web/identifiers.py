"""Identifiers in requests and in data from other systems."""

from uuid import UUID


def is_uuid(text: str) -> bool:
    """Return True if the text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
