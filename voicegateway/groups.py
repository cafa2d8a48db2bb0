from uuid import UUID


def call_group(session_id: UUID) -> str:
    """The channel layer's group of a call. It carries hints; the database is the truth."""
    return f"call.{session_id}"
