import threading

import pytest
from django.db import InterfaceError, OperationalError

from voicegateway.process.database_executor import database_to_async, retry_until_available

pytestmark = pytest.mark.both_databases


class FlakyQuery:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def read(self, number: int, plus: int = 0) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return number + plus


async def test_retry_until_available_waits_for_the_database():
    flaky = FlakyQuery(OperationalError("locked"), InterfaceError("closed"))

    answer = await retry_until_available(flaky.read, retry_after=0)(2, plus=3)

    assert (answer, flaky.calls) == (5, 3)


async def test_retry_until_available_raises_permanent_errors_at_once():
    flaky = FlakyQuery(ValueError("wrong"))

    with pytest.raises(ValueError, match="wrong"):
        await retry_until_available(flaky.read, retry_after=0)(1)

    assert flaky.calls == 1


async def test_database_to_async_runs_on_the_gateways_threads():
    def thread_name() -> str:
        return threading.current_thread().name

    assert (await database_to_async(thread_name)()).startswith("gateway-calls")
