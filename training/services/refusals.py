from uuid import UUID


class SessionRefused(Exception):
    """The session cannot be begun or used like this. `code` is for pages, the text for people."""

    def __init__(self, code: str, message: str, session_id: UUID | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.session_id = session_id
