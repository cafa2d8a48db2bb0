"""Error for requests above a rate limit."""


class RateLimitExceededError(Exception):
    """Request above a rate limit. `retry_after` is in seconds, at least 1. The message can be shown to users."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.retry_after = max(1, seconds)
