import asyncio
from collections.abc import Callable
from typing import TypeVar

DEFAULT_TIMEOUT = 6.0  # seconds; longer than every deadline of the product in a run

Answer = TypeVar("Answer")


class ExpectationError(Exception):
    """Expectation that the product did not meet. The message names the expected and the actual result."""


def expect(condition: object, description: str) -> None:
    if not condition:
        raise ExpectationError(description)


async def wait_for(condition: Callable[[], Answer], description: str, seconds: float = DEFAULT_TIMEOUT) -> Answer:
    """Poll `condition` every 10 ms and return its first truthy value. Raise ExpectationError after `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (answer := condition()):
        if loop.time() > deadline:
            raise ExpectationError(f"not within {seconds:g} s: {description}")
        await asyncio.sleep(0.01)
    return answer
