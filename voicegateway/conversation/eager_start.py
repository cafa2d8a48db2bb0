"""Eager start of coroutines. Waking a task for every frame costs more than handling the frame."""

from collections.abc import Coroutine, Generator
from typing import Any


class SuspendedCoroutine:
    """Rest of a coroutine that has run up to its first wait. Awaiting it continues from there."""

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self.coroutine = work
        self.awaited_future = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self.awaited_future
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self.coroutine.throw(error)
                else:
                    waits_for = self.coroutine.send(answer)
        except StopIteration:
            return

    def close(self) -> None:
        self.coroutine.close()


class FailedCoroutine:
    """Coroutine that failed before its first wait. Awaiting it raises the error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __await__(self) -> Generator[Any, Any, None]:
        raise self.error
        yield

    def close(self) -> None:
        pass


def start_eagerly(work: Coroutine[Any, Any, None]) -> SuspendedCoroutine | FailedCoroutine | None:
    """Run the coroutine in the current task up to its first wait. Return the rest, or None if it is done."""
    try:
        return SuspendedCoroutine(work, work.send(None))
    except StopIteration:
        return None
    except Exception as error:
        return FailedCoroutine(error)
