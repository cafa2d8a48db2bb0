"""Doing at once what need not wait: a task that is woken for every frame costs more than the frame."""

from collections.abc import Coroutine, Generator
from typing import Any


class Rest:
    """What is left of a coroutine that has run up to its first wait. Awaiting it goes on from there."""

    def __init__(self, work: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self.work = work
        self.waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self.waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self.work.throw(error)
                else:
                    waits_for = self.work.send(answer)
        except StopIteration:
            return

    def close(self) -> None:
        self.work.close()


class Failed:
    """A coroutine that failed before it ever waited; whoever awaits it is told."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __await__(self) -> Generator[Any, Any, None]:
        raise self.error
        yield

    def close(self) -> None:
        pass


def begun(work: Coroutine[Any, Any, None]) -> Rest | Failed | None:
    """Run the coroutine, in the task that runs now, as far as it comes without waiting. None: it is done."""
    try:
        return Rest(work, work.send(None))
    except StopIteration:
        return None
    except Exception as error:
        return Failed(error)
