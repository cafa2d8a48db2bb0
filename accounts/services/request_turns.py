"""The turn of a request: its place among the few requests of one person that run at once."""

from collections.abc import Callable
from contextvars import ContextVar

# Set by the server's middleware for each request.
current_turn: ContextVar[Callable[[], None] | None] = ContextVar("current_turn", default=None)


def end_turn() -> None:
    """Let the same person's next request run, because this one is about to wait for another system."""
    if end := current_turn.get():
        end()
