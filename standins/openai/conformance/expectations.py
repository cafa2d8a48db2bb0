import asyncio
from collections.abc import Callable
from typing import TypeVar

TIMEOUT = 30.0  # seconds; longer than every deadline of the product in a run, also on a busy machine

Answer = TypeVar("Answer")


class ExpectationError(Exception):
    """Expectation that the product did not meet. The message names the expected and the actual result."""


def expect(condition: object, description: str) -> None:
    if not condition:
        raise ExpectationError(description)


async def wait_for(condition: Callable[[], Answer], description: str) -> Answer:
    """Poll `condition` every 10 ms and return its first truthy value. Raise ExpectationError after TIMEOUT seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + TIMEOUT
    while not (answer := condition()):
        if loop.time() > deadline:
            raise ExpectationError(f"not within {TIMEOUT:g} s: {description}")
        await asyncio.sleep(0.01)
    return answer
