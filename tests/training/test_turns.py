from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tests.support.fixtures import record_turn, run_concurrently, wait_for_database_lock, write_turns
from training.models import EndReason, Session, TranscriptTurn
from training.services.errors import SessionRefusedError
from training.services.sessions import end_session
from training.services.turns import close_open_turns, write_answer, write_message, write_turn
from training.transcript import INAUDIBLE_TEXT

pytestmark = pytest.mark.both_databases

SPOKEN = {"role": "caller", "text_generated": "hi", "text_heard": "hi", "source": "spoken"}


def test_record_turn_saves_the_turn_and_raises_the_sessions_revision(call):
    assert record_turn(call.pk, "item_1", 3, **SPOKEN) is True

    call.refresh_from_db()
    turn = call.turns.get()
    assert (turn.item, turn.revision, turn.organization_id) == ("item_1", 3, call.organization_id)
    assert call.revision == 3


@pytest.mark.parametrize("revision", [1, 3])
def test_record_turn_with_the_same_or_an_earlier_revision_changes_nothing(call, revision):
    record_turn(call.pk, "item_1", 3, **SPOKEN)

    assert record_turn(call.pk, "item_1", revision, **SPOKEN | {"text_heard": "older"}) is False

    assert call.turns.get().text_heard == "hi"


def test_record_turn_with_a_later_revision_replaces_the_state_and_keeps_the_row(call):
    record_turn(call.pk, "item_1", 1, **SPOKEN)
    record_turn(call.pk, "item_2", 2, **SPOKEN, after="item_1")

    assert record_turn(call.pk, "item_1", 5, **SPOKEN | {"text_heard": "h", "is_interrupted": True}) is True

    call.refresh_from_db()
    assert [(turn.item, turn.text_heard) for turn in call.transcript()] == [("item_1", "h"), ("item_2", "hi")]
    assert call.revision == 5


def test_record_turn_arriving_late_never_lowers_the_sessions_revision(call):
    record_turn(call.pk, "item_2", 7, **SPOKEN)
    record_turn(call.pk, "item_1", 2, **SPOKEN)

    call.refresh_from_db()
    assert call.revision == 7


def test_record_turn_after_the_end_is_kept(call):
    end_session(call, EndReason.HUNG_UP)

    assert record_turn(call.pk, "item_1", 9, **SPOKEN) is True


@pytest.mark.django_db(transaction=True)
def test_record_turn_by_two_gateways_at_once_keeps_the_later_state(call):
    results = run_concurrently(
        *[
            lambda revision=revision: record_turn(call.pk, "item", revision, **SPOKEN | {"text_heard": str(revision)})
            for revision in (1, 2, 3)
        ]
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert call.turns.get().text_heard == "3"


def test_close_open_turns_closes_those_of_a_lost_gateway(call):
    record_turn(call.pk, "greeting", 1, **SPOKEN)
    record_turn(call.pk, "unheard", 2, **SPOKEN | {"role": "counselor", "text_heard": ""}, is_final=False)
    record_turn(call.pk, "answer", 3, **SPOKEN | {"text_generated": "hi there"}, is_final=False)
    call.refresh_from_db()

    close_open_turns(call)
    close_open_turns(call)

    call.refresh_from_db()
    turns = {turn.item: turn for turn in call.transcript()}
    assert all(turn.is_final for turn in turns.values())
    assert turns["unheard"].text_heard == INAUDIBLE_TEXT and not turns["unheard"].is_interrupted
    assert turns["answer"].text_heard == "hi" and turns["answer"].is_interrupted
    assert [turns[item].revision for item in ("greeting", "unheard", "answer")] == [1, 4, 5]
    assert call.revision == 5


def test_write_turn_follows_the_last_turn(chat):
    write_turns(chat, "hi", "hello", "bye")

    turns = chat.transcript()
    assert [turn.text_heard for turn in turns] == ["hi", "hello", "bye"]
    assert [turn.after for turn in turns] == ["", turns[0].item, turns[1].item]
    assert [turn.revision for turn in turns] == [1, 2, 3]


def test_write_turn_refuses_an_ended_chat(chat):
    end_session(chat, EndReason.HUNG_UP)

    with pytest.raises(SessionRefusedError) as caught:
        write_turn(chat, TranscriptTurn.Role.COUNSELOR, "one more thing")

    assert caught.value.code == "session_over"
    assert chat.transcript() == []


@pytest.mark.django_db(transaction=True)
def test_write_turn_concurrently_forms_one_chain(chat):
    run_concurrently(*[lambda n=n: write_turn(Session.objects.get(), "counselor", f"message {n}") for n in range(3)])

    turns = chat.transcript()
    assert [turn.after for turn in turns] == ["", turns[0].item, turns[1].item]
    assert [turn.revision for turn in turns] == [1, 2, 3]


def test_write_message_again_before_the_reply_is_one_turn(chat):
    first = write_message(chat, "Are you there?")
    again = write_message(chat, "Are you there?")
    assert again == first

    write_turns(chat, "yes")

    assert write_message(chat, "Are you there?") != first
    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?", "yes", "Are you there?"]


@pytest.mark.django_db(transaction=True)
def test_write_message_twice_concurrently_is_one_turn(chat):
    run_concurrently(*[lambda: write_message(Session.objects.get(), "Are you there?")] * 3)

    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets only one transaction write at a time")
def test_write_message_again_during_the_first_save_is_one_turn(chat):
    def save_again() -> TranscriptTurn:
        try:
            return write_message(Session.objects.get(), "Are you there?")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = write_message(chat, "Are you there?")
            again = pool.submit(save_again)
            wait_for_database_lock()
        assert again.result(60) == first

    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?"]


def test_write_answer_twice_keeps_one_answer(chat):
    question = write_message(chat, "Are you there?")

    first, second = write_answer(chat, question, "yes"), write_answer(chat, question, "i am here")

    assert second == first
    assert [turn.text_heard for turn in chat.transcript()] == ["Are you there?", "yes"]


def test_write_message_again_to_an_ended_chat_is_refused(chat):
    stale = Session.objects.get()
    write_message(chat, "Are you there?")
    end_session(chat, EndReason.HUNG_UP)

    with pytest.raises(SessionRefusedError):
        write_message(stale, "Are you there?")
