import threading

import pytest
from django.db import InterfaceError, OperationalError

from voicegateway.process.database_executor import database_to_async, retry_until_available

pytestmark = pytest.mark.both_databases


class FlakyQuery:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0

    def read(self, number: int, plus: int = 0) -> int:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return number + plus


async def test_what_must_not_be_lost_is_tried_until_the_database_is_back():
    flaky = FlakyQuery(OperationalError("locked"), InterfaceError("closed"))

    answer = await retry_until_available(flaky.read, retry_after=0)(2, plus=3)

    assert (answer, flaky.asked) == (5, 3)


async def test_an_error_that_would_only_come_again_is_raised_at_once():
    flaky = FlakyQuery(ValueError("wrong"))

    with pytest.raises(ValueError, match="wrong"):
        await retry_until_available(flaky.read, retry_after=0)(1)

    assert flaky.asked == 1


async def test_a_query_has_a_thread_of_the_gateways_own():
    def thread_name() -> str:
        return threading.current_thread().name

    assert (await database_to_async(thread_name)()).startswith("gateway-calls")
