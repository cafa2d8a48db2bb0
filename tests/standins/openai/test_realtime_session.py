"""Whole conversations through the unmodified SDK.

`RealtimeTestClient` validates the received events; the request log holds the sent ones.
"""

import base64

import numpy as np
import pytest

from .realtime_client import MANUAL_TURN_AUDIO, connect_realtime, server_vad_audio, silence, speech
from .sdk_type_validation import client_event_problems

ONE_RESPONSE = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


def first_occurrences(kinds):
    """Return each type once, in order of first appearance."""
    return list(dict.fromkeys(kinds))


async def test_session_created_contains_its_expiry_and_model(async_client):
    async with connect_realtime(async_client) as realtime:
        session = realtime.events[0]["session"]

    assert session["model"] == "gpt-realtime-2.1"
    assert session["expires_at"] > 0
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


async def test_session_update_merges_and_keeps_the_rest(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(instructions="You are the caller.", audio={"output": {"voice": "cedar"}})
        updated = await realtime.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})

    session = updated["session"]
    assert session["instructions"] == "You are the caller."
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


async def test_response_events_follow_the_documented_order(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(instructions="A phone call.", audio=MANUAL_TURN_AUDIO)
        await realtime.send_text("Hello, my name is Sam. What made you call tonight?")
        realtime.events.clear()
        response = await realtime.request_response()

    assert first_occurrences(realtime.event_types()) == ONE_RESPONSE
    assert response["status"] == "completed"
    transcript = "".join(event["delta"] for event in realtime.events_of_type("response.output_audio_transcript.delta"))
    assert transcript == response["output"][0]["content"][0]["transcript"]
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_token_details"]["audio_tokens"] > 0


async def test_audio_is_audible_and_sent_faster_than_real_time(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.request_response()

    deltas = realtime.events_of_type("response.output_audio.delta")
    audio = b"".join(base64.b64decode(event["delta"]) for event in deltas)
    seconds = len(audio) / 48_000
    when = [at for at, event in zip(realtime.event_times, realtime.events, strict=True) if event in deltas]
    assert 1.5 < seconds < 10
    assert np.abs(np.frombuffer(audio, dtype="<i2").astype(int)).max() > 8_000
    assert min(len(base64.b64decode(event["delta"])) for event in deltas[:-1]) == 100 * 48
    assert when[-1] - when[0] < seconds


async def test_client_events_match_the_sdks_types(async_client, standin):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio())
        await realtime.append_audio(speech(400) + silence(800))
        item = await realtime.receive_until("conversation.item.done")
        await realtime.send_text("Hello")
        done = await realtime.request_response(metadata={"turn": "1"})
        caller_item_id = done["output"][0]["id"]
        await realtime.connection.conversation.item.truncate(item_id=caller_item_id, content_index=0, audio_end_ms=500)
        await realtime.receive_until("conversation.item.truncated")
        await realtime.connection.conversation.item.retrieve(item_id=item["item"]["id"])
        await realtime.receive_until("conversation.item.retrieved")
        await realtime.connection.conversation.item.delete(item_id=caller_item_id)
        await realtime.receive_until("conversation.item.deleted")
        await realtime.connection.input_audio_buffer.clear()
        await realtime.receive_until("input_audio_buffer.cleared")
        await realtime.connection.response.cancel()
        await realtime.receive_error()

    (entry,) = standin.logged_requests("realtime")
    assert [problem for logged in entry["events"] for problem in client_event_problems(logged["event"])] == []
    assert [logged["type"] for logged in entry["events"]] == [
        "session.update",
        "input_audio_buffer.append",
        "conversation.item.create",
        "response.create",
        "conversation.item.truncate",
        "conversation.item.retrieve",
        "conversation.item.delete",
        "input_audio_buffer.clear",
        "response.cancel",
    ]
    appended = entry["events"][1]
    assert (appended["repeats"], appended["audio_bytes"]) == (12, 57_600)


async def test_spoken_turn_is_detected_committed_and_answered(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio(create_response=True))
        realtime.events.clear()
        await realtime.append_audio(silence(1000) + speech(1000) + silence(700))
        await realtime.receive_until("response.done")

    kinds = first_occurrences(realtime.event_types())
    assert kinds[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    started, stopped = realtime.events[0], realtime.events[1]
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2500)
    assert started["item_id"] == stopped["item_id"] == realtime.events[2]["item_id"]


async def test_transcript_is_delayed_and_marked_as_simulated(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio())
        await realtime.append_audio(silence(500) + speech(1000) + silence(700))
        committed = await realtime.receive_until("input_audio_buffer.committed")
        completed = await realtime.receive_until("conversation.item.input_audio_transcription.completed")

    deltas = realtime.events_of_type("conversation.item.input_audio_transcription.delta")
    assert completed["item_id"] == committed["item_id"]
    assert completed["transcript"] == "[simulated transcript: 1.8 s of speech]"
    assert "".join(event["delta"] for event in deltas) == completed["transcript"]
    assert completed["usage"] == {"type": "duration", "seconds": 1.8}


async def test_session_without_transcription_sends_no_transcript(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
        await realtime.append_audio(speech(1000) + silence(700))
        item = (await realtime.receive_until("conversation.item.done"))["item"]

    assert item["content"] == [{"type": "input_audio", "transcript": None}]


async def test_speech_interrupts_a_response_if_enabled(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio(interrupt_response=True))
        await realtime.start_long_response()
        await realtime.append_audio(speech(200))
        await realtime.receive_until("input_audio_buffer.speech_started")
        response = (await realtime.receive_until("response.done"))["response"]

    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert realtime.event_types()[-6:] == ONE_RESPONSE[-6:]


async def test_speech_does_not_interrupt_a_response_if_disabled(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio())
        await realtime.start_long_response()
        await realtime.append_audio(speech(200))
        response = (await realtime.receive_until("response.done"))["response"]

    assert response["status"] == "completed"
    assert len(realtime.events_of_type("input_audio_buffer.speech_started")) == 1


async def test_turn_during_a_response_is_answered_afterward(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=server_vad_audio(create_response=True))
        await realtime.connection.response.create()
        await realtime.receive_until("response.output_audio.delta")
        await realtime.append_audio(speech(400) + silence(700))
        first = (await realtime.receive_until("response.done"))["response"]
        second = (await realtime.receive_until("response.done"))["response"]

    said = [response["output"][0]["content"][0]["transcript"] for response in (first, second)]
    assert said[0] != said[1]


async def test_manual_turn_is_committed_by_the_client(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.append_audio(speech(600))
        await realtime.connection.input_audio_buffer.commit()
        committed = await realtime.receive_until("input_audio_buffer.committed")
        await realtime.connection.conversation.item.retrieve(item_id=committed["item_id"])
        item = (await realtime.receive_until("conversation.item.retrieved"))["item"]

    assert base64.b64decode(item["content"][0]["audio"]) == speech(600)
    assert realtime.events_of_type("input_audio_buffer.speech_started") == []


async def test_items_are_inserted_after_their_previous_item(async_client):
    async with connect_realtime(async_client) as realtime:
        second = await realtime.send_text("second")
        first = await realtime.send_text("first", previous_item_id="root")
        third = await realtime.send_text("third", previous_item_id=second["item"]["id"])
        last = await realtime.send_text("last")

    assert first["previous_item_id"] is None
    assert third["previous_item_id"] == second["item"]["id"]
    assert last["previous_item_id"] == third["item"]["id"]


async def test_replayed_history_continues_with_the_same_caller(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(instructions="Anything.", audio=MANUAL_TURN_AUDIO)
        opening = "Yes, hello. I found this number on the fridge. My wife put it there, years ago."
        item = {
            "id": "item_mine",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": opening}],
        }
        await realtime.connection.conversation.item.create(item=item)
        created = await realtime.receive_until("conversation.item.done")
        await realtime.send_text("What happened since?")
        response = await realtime.request_response()

    assert created["item"]["id"] == "item_mine"
    assert response["output"][0]["content"][0]["transcript"].startswith("Ruth passed in the spring.")


async def test_quoted_line_is_spoken_verbatim_and_the_conversation_continues(async_client):
    line = "Good evening. My name's Walter. I'm not in any trouble, I just wanted to hear somebody's voice."
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        greeting = await realtime.request_response(instructions=f"Say exactly this: ««{line}»»")
        await realtime.send_text("It sounds like it is very quiet there.")
        reply = await realtime.request_response()

    assert greeting["output"][0]["content"][0]["transcript"] == line
    assert reply["output"][0]["content"][0]["transcript"].startswith("It is lonely.")


async def test_text_response_has_no_audio(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        response = await realtime.request_response(output_modalities=["text"])

    assert response["output"][0]["content"][0]["type"] == "output_text"
    assert (
        realtime.events_of_type("response.output_text.done")[0]["text"] == response["output"][0]["content"][0]["text"]
    )
    assert realtime.events_of_type("response.output_audio.delta") == []


async def test_out_of_band_response_stays_out_of_the_conversation(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
        response = await realtime.request_response(
            conversation="none",
            output_modalities=["text"],
            input=[said],
            metadata={"for": "a note"},
        )

    assert (response["conversation_id"], response["metadata"]) == (None, {"for": "a note"})
    assert realtime.events_of_type("conversation.item.added") == []


async def test_token_limit_truncates_the_response(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        response = await realtime.request_response(max_output_tokens=20)

    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


async def test_cancel_ends_the_response_and_allows_another(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.start_long_response()
        await realtime.connection.response.cancel()
        response = (await realtime.receive_until("response.done"))["response"]
        again = await realtime.request_response()

    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert again["status"] == "completed"


async def test_truncate_shortens_the_audio_and_removes_the_transcript(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        item_id = (await realtime.request_response())["output"][0]["id"]
        await realtime.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=700)
        await realtime.receive_until("conversation.item.truncated")
        await realtime.connection.conversation.item.retrieve(item_id=item_id)
        item = (await realtime.receive_until("conversation.item.retrieved"))["item"]

    assert len(base64.b64decode(item["content"][0]["audio"])) == 700 * 48
    assert item["content"][0]["transcript"] is None


async def test_delete_removes_an_item_from_the_chain(async_client):
    async with connect_realtime(async_client) as realtime:
        first = await realtime.send_text("first")
        second = await realtime.send_text("second")
        await realtime.connection.conversation.item.delete(item_id=second["item"]["id"])
        await realtime.receive_until("conversation.item.deleted")
        third = await realtime.send_text("third")

    assert third["previous_item_id"] == first["item"]["id"]


async def test_session_expires_at_its_limit(async_client):
    async with connect_realtime(async_client, extra_query={"fault": "expire_after=0.1"}) as realtime:
        error = await realtime.receive_error()
        with pytest.raises(Exception, match="1001") as closed:
            await realtime.receive()

    assert error["code"] == "session_expired"
    assert closed.value.rcvd.code == 1001


async def test_large_events_are_sent_and_received(async_client):
    minutes = speech(1000) * 120
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(audio=MANUAL_TURN_AUDIO)
        await realtime.append_audio(minutes, frame_ms=120_000)
        await realtime.connection.input_audio_buffer.commit()
        committed = await realtime.receive_until("input_audio_buffer.committed")
        await realtime.connection.conversation.item.retrieve(item_id=committed["item_id"])
        item = (await realtime.receive_until("conversation.item.retrieved"))["item"]

    assert len(item["content"][0]["audio"]) > 7_000_000
