import base64

import pytest
from openai import AsyncOpenAI
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .realtime_client import MANUAL_TURN_AUDIO, connect_realtime, server_vad_audio, silence, speech


async def send_and_get_error(realtime, event):
    await realtime.connection.send(event)
    error = await realtime.receive_error()
    return error["code"], error["param"]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "nonsense"}, "invalid_value", "type"),
        ({"event_id": "event_1"}, "missing_required_parameter", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
        (
            {"type": "session.update", "session": {"type": "realtime", "voice": "x"}},
            "unknown_parameter",
            "session.voice",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"vad": 1}}}},
            "unknown_parameter",
            "session.audio.input.vad",
        ),
        (
            {"type": "session.update", "session": {"type": "realtime", "model": "another"}},
            "cannot_update_model",
            "session.model",
        ),
        (
            {
                "type": "session.update",
                "session": {
                    "type": "realtime",
                    "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 3}}},
                },
            },
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
        ({"type": "response.cancel"}, "response_cancel_not_active", None),
        ({"type": "response.create", "response": {"voice": "x"}}, "unknown_parameter", "response.voice"),
        ({"type": "conversation.item.delete", "item_id": "item_x"}, "item_delete_invalid_item_id", None),
        ({"type": "conversation.item.retrieve", "item_id": "item_x"}, "item_retrieve_invalid_item_id", None),
        (
            {"type": "conversation.item.truncate", "item_id": "item_x", "content_index": 0, "audio_end_ms": 1},
            "item_truncate_invalid_item_id",
            None,
        ),
        (
            {
                "type": "conversation.item.create",
                "previous_item_id": "item_x",
                "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            },
            "item_create_invalid_previous_item_id",
            None,
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"id": "x" * 33, "type": "message", "role": "user", "content": []},
            },
            "string_above_max_length",
            "item.id",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": ""}]},
            },
            "invalid_value",
            "item.content[0].type",
        ),
    ],
)
async def test_invalid_event_returns_an_error_and_keeps_the_session_open(async_client, event, code, param):
    async with connect_realtime(async_client) as realtime:
        found = await send_and_get_error(realtime, event)
        updated = await realtime.configure(audio=MANUAL_TURN_AUDIO)

    assert found == (code, param)
    assert updated["type"] == "session.updated"


async def test_error_names_the_client_event(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.connection.response.cancel(event_id="event_mine")
        error = await realtime.receive_error()

    assert error["event_id"] == "event_mine"


async def test_malformed_json_is_refused(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.connection.send_raw("{")
        error = await realtime.receive_error()

    assert error["code"] == "invalid_json"


async def test_duplicate_item_id_is_refused(async_client):
    item = {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    async with connect_realtime(async_client) as realtime:
        await realtime.connection.conversation.item.create(item=item)
        await realtime.receive_until("conversation.item.done")
        found = await send_and_get_error(realtime, {"type": "conversation.item.create", "item": item})

    assert found == ("item_create_duplicate_item_id", "item.id")


async def test_concurrent_response_is_refused(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.connection.response.create()
        await realtime.connection.response.create()
        await realtime.receive_until("response.done")

    [created], [error] = realtime.events_of_type("response.created"), realtime.events_of_type("error")
    error = error["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert created["response"]["id"] in error["message"]


async def test_truncation_beyond_the_audio_is_refused_with_openais_message(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        item_id = (await realtime.request_response())["output"][0]["id"]
        await realtime.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=99_000)
        error = await realtime.receive_error()

    assert error["code"] == "invalid_value"
    assert error["message"].startswith("Audio content of ")
    assert error["message"].endswith("ms is already shorter than 99000ms")


async def test_truncation_of_a_user_item_is_refused(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio())
        await realtime.append_audio(speech(500) + silence(700))
        item_id = (await realtime.receive_until("conversation.item.done"))["item"]["id"]
        await realtime.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=0)
        error = await realtime.receive_error()

    assert error["message"] == "Only model output audio messages can be truncated"


async def test_response_with_an_invalid_input_is_refused(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.connection.response.create(response={"input": [{"type": "item_reference", "id": "item_x"}]})
        error = await realtime.receive_error()
        again = await realtime.request_response()

    assert (error["code"], again["status"]) == ("item_retrieve_invalid_item_id", "completed")


async def test_item_truncated_during_its_response_stays_truncated(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.connection.response.create()
        item_id = (await realtime.receive_until("response.output_audio.delta"))["item_id"]
        await realtime.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=50)
        await realtime.receive_until("response.done")
        await realtime.connection.conversation.item.retrieve(item_id=item_id)
        item = (await realtime.receive_until("conversation.item.retrieved"))["item"]

    assert len(base64.b64decode(item["content"][0]["audio"])) == 50 * 48


async def test_voice_cannot_change_after_audio_was_sent(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.request_response()
        await realtime.connection.session.update(session={"type": "realtime", "audio": {"output": {"voice": "ash"}}})
        error = await realtime.receive_error()

    assert error["code"] == "cannot_update_voice"


async def test_wrong_api_key_gets_an_error_and_is_disconnected(standin):
    async with (
        AsyncOpenAI(api_key="sk-invalid", base_url=standin.base_url) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as connection,
    ):
        event = await connection.recv()
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()

    assert event.error.code == "invalid_api_key"
    assert closed.value.rcvd.code == 3000


async def test_status_fault_refuses_the_handshake(async_client, standin):
    standin.add_fault("realtime", {"status": 503})

    with pytest.raises(InvalidStatus) as refused:
        async with connect_realtime(async_client):
            pass

    assert refused.value.response.status_code == 503


async def test_close_fault_takes_effect_at_the_third_audio_delta(async_client, standin):
    standin.add_fault("realtime", {"close": 1011, "at_type": "response.output_audio.delta", "at_event": 3})

    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.connection.response.create()
        with pytest.raises(ConnectionClosed) as closed:
            await realtime.receive_until("response.done")

    assert closed.value.rcvd.code == 1011
    assert len(realtime.events_of_type("response.output_audio.delta")) == 2


async def test_drop_fault_sends_no_close_code(async_client, standin):
    standin.add_fault("realtime", {"drop": True, "at_type": "session.updated"})

    async with connect_realtime(async_client) as realtime:
        with pytest.raises(ConnectionClosed) as closed:
            await realtime.configure(audio=MANUAL_TURN_AUDIO)

    assert closed.value.rcvd is None


async def test_fault_with_after_takes_effect_in_an_idle_session(async_client):
    async with connect_realtime(
        async_client, extra_query={"fault": "error=server_error;close=1011;after=0.05"}
    ) as realtime:
        error = await realtime.receive_error()
        with pytest.raises(ConnectionClosed) as closed:
            await realtime.receive()

    assert (error["code"], closed.value.rcvd.code) == ("server_error", 1011)


async def test_silence_fault_answers_only_pings(async_client, standin):
    standin.add_fault("realtime", {"silence": True})

    async with async_client.realtime.connect(model="gpt-realtime-2.1") as connection:
        await connection.session.update(session={"type": "realtime"})
        pong = await connection._connection.ping()
        await pong
        await connection.close()
        with pytest.raises(ConnectionClosed):
            await connection.recv_bytes()


async def test_failed_response_carries_its_code(async_client, standin):
    standin.add_fault("realtime", {"response_failed": "rate_limit_exceeded"})

    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        response = await realtime.request_response()

    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"


async def test_transcript_fault_fails_the_transcription(async_client, standin):
    standin.add_fault("realtime", {"transcript": "failed"})

    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio())
        await realtime.append_audio(speech(500) + silence(700))
        failed = await realtime.receive_until("conversation.item.input_audio_transcription.failed")

    assert failed["error"]["code"] == "transcription_failed"
