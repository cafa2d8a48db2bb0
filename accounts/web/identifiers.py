"""Identifiers in requests and in data from other systems."""

from uuid import UUID


def is_uuid(text: str) -> bool:
    """Return True if the text has the form of an id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
