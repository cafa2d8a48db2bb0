"""Whole conversations through the unmodified SDK.

`RealtimeTestClient` validates received events; the request log has sent ones.
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


def in_order(kinds):
    """Return each type once, in order of first appearance."""
    return list(dict.fromkeys(kinds))


async def test_session_created_holds_its_expiry_and_model(async_client):
    async with connect_realtime(async_client) as talk:
        session = talk.events[0]["session"]

    assert session["model"] == "gpt-realtime-2.1"
    assert session["expires_at"] > 0
    assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"


async def test_session_update_merges_and_keeps_the_rest(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(instructions="You are the caller.", audio={"output": {"voice": "cedar"}})
        updated = await talk.configure(audio={"input": {"transcription": {"model": "whisper-1"}}})

    session = updated["session"]
    assert session["instructions"] == "You are the caller."
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["input"]["transcription"] == {"model": "whisper-1"}
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500


async def test_response_events_follow_the_documented_order(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(instructions="A phone call.", audio=MANUAL_TURN_AUDIO)
        await talk.send_text("Hello, my name is Sam. What made you call tonight?")
        talk.events.clear()
        response = await talk.request_response()

    assert in_order(talk.event_types()) == ONE_RESPONSE
    assert response["status"] == "completed"
    transcript = "".join(event["delta"] for event in talk.events_of_type("response.output_audio_transcript.delta"))
    assert transcript == response["output"][0]["content"][0]["transcript"]
    usage = response["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_token_details"]["audio_tokens"] > 0


async def test_audio_is_audible_and_sent_faster_than_real_time(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        await talk.request_response()

    deltas = talk.events_of_type("response.output_audio.delta")
    audio = b"".join(base64.b64decode(event["delta"]) for event in deltas)
    seconds = len(audio) / 48_000
    when = [at for at, event in zip(talk.event_times, talk.events, strict=True) if event in deltas]
    assert 1.5 < seconds < 10
    assert np.abs(np.frombuffer(audio, dtype="<i2").astype(int)).max() > 8_000
    assert min(len(base64.b64decode(event["delta"])) for event in deltas[:-1]) == 100 * 48
    assert when[-1] - when[0] < seconds


async def test_client_events_match_the_sdks_types(async_client, standin):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio())
        await talk.append_audio(speech(400) + silence(800))
        item = await talk.receive_until("conversation.item.done")
        await talk.send_text("Hello")
        done = await talk.request_response(metadata={"turn": "1"})
        heard = done["output"][0]["id"]
        await talk.connection.conversation.item.truncate(item_id=heard, content_index=0, audio_end_ms=500)
        await talk.receive_until("conversation.item.truncated")
        await talk.connection.conversation.item.retrieve(item_id=item["item"]["id"])
        await talk.receive_until("conversation.item.retrieved")
        await talk.connection.conversation.item.delete(item_id=heard)
        await talk.receive_until("conversation.item.deleted")
        await talk.connection.input_audio_buffer.clear()
        await talk.receive_until("input_audio_buffer.cleared")
        await talk.connection.response.cancel()
        await talk.receive_error()

    (entry,) = standin.logged_requests("realtime")
    assert [problem for noted in entry["events"] for problem in client_event_problems(noted["event"])] == []
    assert [noted["type"] for noted in entry["events"]] == [
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
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio(create_response=True))
        talk.events.clear()
        await talk.append_audio(silence(1000) + speech(1000) + silence(700))
        await talk.receive_until("response.done")

    kinds = in_order(talk.event_types())
    assert kinds[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    started, stopped = talk.events[0], talk.events[1]
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2500)
    assert started["item_id"] == stopped["item_id"] == talk.events[2]["item_id"]


async def test_transcript_is_delayed_and_marked_as_simulated(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio())
        await talk.append_audio(silence(500) + speech(1000) + silence(700))
        committed = await talk.receive_until("input_audio_buffer.committed")
        completed = await talk.receive_until("conversation.item.input_audio_transcription.completed")

    deltas = talk.events_of_type("conversation.item.input_audio_transcription.delta")
    assert completed["item_id"] == committed["item_id"]
    assert completed["transcript"] == "[simulated transcript: 1.8 s of speech]"
    assert "".join(event["delta"] for event in deltas) == completed["transcript"]
    assert completed["usage"] == {"type": "duration", "seconds": 1.8}


async def test_session_without_transcription_sends_no_transcript(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
        await talk.append_audio(speech(1000) + silence(700))
        item = (await talk.receive_until("conversation.item.done"))["item"]

    assert item["content"] == [{"type": "input_audio", "transcript": None}]


async def test_speech_interrupts_a_response_if_enabled(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio(interrupt_response=True))
        await talk.connection.response.create()
        await talk.receive_until("response.output_audio.delta")
        await talk.append_audio(speech(200))
        await talk.receive_until("input_audio_buffer.speech_started")
        response = (await talk.receive_until("response.done"))["response"]

    assert response["status"] == "cancelled"
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert talk.event_types()[-6:] == ONE_RESPONSE[-6:]


async def test_speech_does_not_interrupt_a_response_if_disabled(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio())
        await talk.connection.response.create()
        await talk.receive_until("response.output_audio.delta")
        await talk.append_audio(speech(200))
        response = (await talk.receive_until("response.done"))["response"]

    assert response["status"] == "completed"
    assert len(talk.events_of_type("input_audio_buffer.speech_started")) == 1


async def test_turn_during_a_response_is_answered_afterward(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=server_vad_audio(create_response=True))
        await talk.connection.response.create()
        await talk.receive_until("response.output_audio.delta")
        await talk.append_audio(speech(400) + silence(700))
        first = (await talk.receive_until("response.done"))["response"]
        second = (await talk.receive_until("response.done"))["response"]

    said = [response["output"][0]["content"][0]["transcript"] for response in (first, second)]
    assert said[0] != said[1]


async def test_manual_turn_is_committed_by_the_client(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        await talk.append_audio(speech(600))
        await talk.connection.input_audio_buffer.commit()
        committed = await talk.receive_until("input_audio_buffer.committed")
        await talk.connection.conversation.item.retrieve(item_id=committed["item_id"])
        item = (await talk.receive_until("conversation.item.retrieved"))["item"]

    assert base64.b64decode(item["content"][0]["audio"]) == speech(600)
    assert talk.events_of_type("input_audio_buffer.speech_started") == []


async def test_items_are_inserted_after_their_previous_item(async_client):
    async with connect_realtime(async_client) as talk:
        second = await talk.send_text("second")
        first = await talk.send_text("first", previous_item_id="root")
        third = await talk.send_text("third", previous_item_id=second["item"]["id"])
        last = await talk.send_text("last")

    assert first["previous_item_id"] is None
    assert third["previous_item_id"] == second["item"]["id"]
    assert last["previous_item_id"] == third["item"]["id"]


async def test_replayed_history_continues_with_the_same_caller(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(instructions="Anything.", audio=MANUAL_TURN_AUDIO)
        opening = "Yes, hello. I found this number on the fridge. My wife put it there, years ago."
        item = {
            "id": "item_mine",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": opening}],
        }
        await talk.connection.conversation.item.create(item=item)
        created = await talk.receive_until("conversation.item.done")
        await talk.send_text("What happened since?")
        response = await talk.request_response()

    assert created["item"]["id"] == "item_mine"
    assert response["output"][0]["content"][0]["transcript"].startswith("Ruth passed in the spring.")


async def test_quoted_line_is_spoken_verbatim_and_the_conversation_continues(async_client):
    line = "Good evening. My name's Walter. I'm not in any trouble, I just wanted to hear somebody's voice."
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        greeting = await talk.request_response(instructions=f"Say exactly this: ««{line}»»")
        await talk.send_text("It sounds like it is very quiet there.")
        reply = await talk.request_response()

    assert greeting["output"][0]["content"][0]["transcript"] == line
    assert reply["output"][0]["content"][0]["transcript"].startswith("It is lonely.")


async def test_text_response_has_no_audio(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        response = await talk.request_response(output_modalities=["text"])

    assert response["output"][0]["content"][0]["type"] == "output_text"
    assert talk.events_of_type("response.output_text.done")[0]["text"] == response["output"][0]["content"][0]["text"]
    assert talk.events_of_type("response.output_audio.delta") == []


async def test_out_of_band_response_stays_out_of_the_conversation(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
        response = await talk.request_response(
            conversation="none",
            output_modalities=["text"],
            input=[said],
            metadata={"for": "a note"},
        )

    assert (response["conversation_id"], response["metadata"]) == (None, {"for": "a note"})
    assert talk.events_of_type("conversation.item.added") == []


async def test_token_limit_truncates_the_response(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        response = await talk.request_response(max_output_tokens=20)

    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}


async def test_cancel_ends_the_response_and_allows_another(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        await talk.connection.response.create()
        await talk.receive_until("response.output_audio.delta")
        await talk.connection.response.cancel()
        response = (await talk.receive_until("response.done"))["response"]
        again = await talk.request_response()

    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert again["status"] == "completed"


async def test_truncate_shortens_the_audio_and_removes_the_transcript(async_client):
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        item_id = (await talk.request_response())["output"][0]["id"]
        await talk.connection.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=700)
        await talk.receive_until("conversation.item.truncated")
        await talk.connection.conversation.item.retrieve(item_id=item_id)
        item = (await talk.receive_until("conversation.item.retrieved"))["item"]

    assert len(base64.b64decode(item["content"][0]["audio"])) == 700 * 48
    assert item["content"][0]["transcript"] is None


async def test_delete_removes_an_item_from_the_chain(async_client):
    async with connect_realtime(async_client) as talk:
        first = await talk.send_text("first")
        second = await talk.send_text("second")
        await talk.connection.conversation.item.delete(item_id=second["item"]["id"])
        await talk.receive_until("conversation.item.deleted")
        third = await talk.send_text("third")

    assert third["previous_item_id"] == first["item"]["id"]


async def test_session_expires_at_its_limit(async_client):
    async with connect_realtime(async_client, extra_query={"fault": "expire_after=0.1"}) as talk:
        error = await talk.receive_error()
        with pytest.raises(Exception, match="1001") as closed:
            await talk.receive()

    assert error["code"] == "session_expired"
    assert closed.value.rcvd.code == 1001


async def test_large_events_are_sent_and_received(async_client):
    minutes = speech(1000) * 120
    async with connect_realtime(async_client) as talk:
        await talk.configure(audio=MANUAL_TURN_AUDIO)
        await talk.append_audio(minutes, frame_ms=120_000)
        await talk.connection.input_audio_buffer.commit()
        committed = await talk.receive_until("input_audio_buffer.committed")
        await talk.connection.conversation.item.retrieve(item_id=committed["item_id"])
        item = (await talk.receive_until("conversation.item.retrieved"))["item"]

    assert len(item["content"][0]["audio"]) > 7_000_000
