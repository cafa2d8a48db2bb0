import asyncio
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 6.0  # seconds: longer than any of the product's own deadlines in a run

Answer = TypeVar("Answer")


class Broken(Exception):
    """The product did not do what it must. The text says what was expected and what came instead."""


def expect(is_so: object, words: str) -> None:
    if not is_so:
        raise Broken(words)


async def wait_for(look: Callable[[], Answer], words: str, seconds: float = PATIENCE) -> Answer:
    """The first true answer."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (answer := look()):
        if loop.time() > deadline:
            raise Broken(f"not within {seconds:g} s: {words}")
        await asyncio.sleep(0.01)
    return answer
