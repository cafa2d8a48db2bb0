import asyncio
import logging
from collections.abc import Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from django.db import DataError, OperationalError

from scenarios.models import Mode
from tests.support.fixtures import add_person
from training.models import Session, TranscriptTurn
from training.services.session_start import start_free_practice
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource
from voicegateway.process.turn_writer import QueuedTurn, SessionTurnSink, TurnWriter, save_turns

CALL, OTHER_CALL = uuid4(), uuid4()


def turn(revision: int, item: str = "item_1", text: str = "Hello.", **fields) -> TurnSnapshot:
    texts = {"text_generated": text, "text_heard": text}
    defaults = {"after": None, "role": SpeakerRole.COUNSELOR, "is_final": True, "start_ms": 0, "end_ms": 0}
    return TurnSnapshot(revision=revision, item=item, **(texts | defaults | fields))


class FakeTurnDatabase:
    """A database that saves turns, raises the queued `errors` first, and can be made unavailable."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, int]] = []
        self.writes = 0
        self.errors: list[Exception] = []
        self.is_available = asyncio.Event()
        self.is_available.set()
        self.was_asked = asyncio.Event()

    async def write(self, entries: Sequence[QueuedTurn]) -> None:
        self.was_asked.set()
        await self.is_available.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.writes += 1
        self.saved += [(entry.turn.item, entry.turn.revision) for entry in entries]


@asynccontextmanager
async def writing(database: FakeTurnDatabase):
    writer = TurnWriter(database.write, retry_after=0)
    task = asyncio.create_task(writer.run())
    yield writer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_writer_keeps_the_order_of_turns():
    database = FakeTurnDatabase()
    async with writing(database) as writer:
        for number in (1, 2, 3):
            SessionTurnSink(writer, CALL, 1, lambda turn: None).put(turn(number, f"item_{number}"))
        await writer.flush(CALL)

    assert database.saved == [("item_1", 1), ("item_2", 2), ("item_3", 3)]
    assert database.writes == 1


async def test_writer_batches_turns_of_several_calls():
    database = FakeTurnDatabase()
    calls = [uuid4() for _ in range(120)]
    async with writing(database) as writer:
        for number, one in enumerate(calls):
            writer.put(QueuedTurn(one, 1, turn(1, f"item_{number}")))
        for one in calls:
            await writer.flush(one)

    assert database.saved == [(f"item_{number}", 1) for number in range(120)]
    assert database.writes == 3


async def test_writer_splits_a_large_backlog_in_order():
    database = FakeTurnDatabase()
    async with writing(database) as writer:
        for number in range(120):
            writer.put(QueuedTurn(CALL, 1, turn(number, f"item_{number}")))
        writer.put(QueuedTurn(OTHER_CALL, 1, turn(1, "item_0")))
        await writer.flush(CALL)
        await writer.flush(OTHER_CALL)

    assert database.saved == [*((f"item_{number}", number) for number in range(120)), ("item_0", 1)]
    assert database.writes == 3


async def test_writer_saves_turns_of_a_live_call():
    database = FakeTurnDatabase()
    saved = asyncio.Event()
    async with writing(database) as writer:
        writer.put(QueuedTurn(CALL, 1, turn(1), lambda turn: saved.set()))
        async with asyncio.timeout(60):
            await saved.wait()

    assert database.saved == [("item_1", 1)]


async def test_writer_confirms_saved_turns():
    database = FakeTurnDatabase()
    confirmed: list[int] = []
    database.errors = [OperationalError("away"), DataError("one of them is refused"), DataError("this one")]
    async with writing(database) as writer:
        for number in (1, 2, 3):
            SessionTurnSink(writer, CALL, 1, lambda saved: confirmed.append(saved.revision)).put(
                turn(number, f"item_{number}")
            )
        await writer.flush(CALL)

    assert confirmed == [2, 3]
    assert database.saved == [("item_2", 2), ("item_3", 3)]


async def test_writer_saves_only_the_latest_state_of_a_waiting_turn():
    database = FakeTurnDatabase()
    async with writing(database) as writer:
        for revision in (1, 2, 3):
            writer.put(QueuedTurn(CALL, 1, turn(revision)))
        await writer.flush(CALL)

    assert database.saved == [("item_1", 3)]


async def test_writer_keeps_turns_in_order_while_the_database_is_unavailable():
    database = FakeTurnDatabase()
    database.errors = [OperationalError("the database is locked")] * 3
    async with writing(database) as writer:
        writer.put(QueuedTurn(CALL, 1, turn(1, "item_1")))
        writer.put(QueuedTurn(CALL, 1, turn(2, "item_2")))
        await writer.flush(CALL)

    assert database.saved == [("item_1", 1), ("item_2", 2)]


async def test_writer_retries_with_the_latest_state():
    database = FakeTurnDatabase()
    database.errors = [OperationalError("gone")]
    database.is_available.clear()
    async with writing(database) as writer:
        writer.put(QueuedTurn(CALL, 1, turn(1)))
        await database.was_asked.wait()
        writer.put(QueuedTurn(CALL, 1, turn(2)))
        database.is_available.set()
        await writer.flush(CALL)

    assert database.saved == [("item_1", 2)]


@pytest.mark.parametrize("error", [DataError("row: quokkawords"), Session.DoesNotExist("quokkawords")])
async def test_writer_drops_an_invalid_turn_without_quoting_it(caplog, error):
    database = FakeTurnDatabase()
    database.errors = [error, error]  # once batched with the other call's turn, once alone
    async with writing(database) as writer:
        writer.put(QueuedTurn(CALL, 1, turn(1, "item_1")))
        writer.put(QueuedTurn(OTHER_CALL, 1, turn(1, "item_2")))
        await writer.flush(CALL)
        await writer.flush(OTHER_CALL)

    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert database.saved == [("item_2", 1)]
    assert [record.session_id for record in errors] == [CALL]
    assert "quokkawords" not in caplog.text


async def test_flush_waits_only_for_its_own_call():
    database = FakeTurnDatabase()
    database.is_available.clear()
    async with writing(database) as writer:
        writer.put(QueuedTurn(CALL, 1, turn(1)))
        await database.was_asked.wait()
        await writer.flush(OTHER_CALL)
        flushing = asyncio.create_task(writer.flush(CALL))
        await asyncio.sleep(0)
        was_done = flushing.done()
        database.is_available.set()
        await flushing

    assert (was_done, database.saved) == (False, [("item_1", 1)])


async def test_writer_reports_a_long_queue():
    writer = TurnWriter(FakeTurnDatabase().write)
    for number in range(10_001):
        writer.put(QueuedTurn(CALL, 1, turn(number, f"item_{number}")))

    assert writer.is_behind


def test_writer_needs_the_same_queries_for_any_number_of_calls(call, organization, django_assert_num_queries):
    people = [add_person(organization, "counselor", f"c{number}@example.org") for number in range(5)]
    others = [start_free_practice(person, Mode.PHONE)[0] for person in people]
    with django_assert_num_queries(6) as queries:  # two of them begin and commit the transaction
        save_turns([QueuedTurn(call.pk, 1, turn(1))])

    with django_assert_num_queries(len(queries)):
        save_turns([QueuedTurn(one.pk, 1, turn(2, "item_2")) for one in (call, *others)])

    assert Session.objects.filter(pk__in=[call.pk, *(one.pk for one in others)], revision=2).count() == 6


def test_writer_saves_every_field_of_a_turn(call):
    said = turn(
        3,
        text="I'm not even sure",
        after="item_0",
        role=SpeakerRole.CALLER,
        text_generated="I'm not even sure why I called.",
        start_ms=1200,
        end_ms=2400,
        source=TurnSource.SPOKEN,
        is_interrupted=True,
    )

    save_turns([QueuedTurn(call.pk, 2, said)])

    saved = TranscriptTurn.objects.get()
    call.refresh_from_db()
    assert (saved.session_id, saved.organization_id, saved.epoch) == (call.pk, call.organization_id, 2)
    assert (saved.item, saved.after, saved.role, saved.source) == ("item_1", "item_0", "caller", "spoken")
    assert (saved.text_generated, saved.text_heard) == ("I'm not even sure why I called.", "I'm not even sure")
    assert (saved.start_ms, saved.end_ms, saved.is_interrupted, saved.is_final) == (1200, 2400, True, True)
    assert (saved.revision, call.revision) == (3, 3)
