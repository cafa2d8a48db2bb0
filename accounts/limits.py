class TooOften(Exception):
    """More than is taken in this time; `seconds` until the next is. The text is for people."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = max(1, seconds)
