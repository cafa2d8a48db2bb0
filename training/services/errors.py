"""Errors of the training services."""

from uuid import UUID


class SessionRefusedError(Exception):
    """Refusal to start or use a session. `code` is for programs, the translated message for people."""

    def __init__(self, code: str, message: str, session_id: UUID | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.session_id = session_id
