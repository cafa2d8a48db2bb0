"""Whole conversations as public realtime clients hold them, function call included.

The messages have the shapes that the clients send: with nulls for what is unset, with ids of their own, with the audio
formats of telephones, and with the names of the beta API.
"""

import base64
import json

import numpy as np
import pytest

from standins.openai.realtime.audio_formats import DECODING_TABLES, InputDecoder, encode

from .realtime_client import connect_realtime, silence, speech

WEATHER = {
    "type": "function",
    "name": "lookup_weather",
    "description": "Look up the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}
CALL_EVENTS = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


async def send(realtime, **event):
    await realtime.connection.send_raw(json.dumps(event))


async def ask(realtime, text, **response):
    """Send a typed turn and ask for a response. Return the finished response."""
    realtime.events.clear()
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await send(realtime, type="conversation.item.create", item=item)
    await send(realtime, type="response.create", **response)
    return (await realtime.receive_until("response.done"))["response"]


def says(response):
    """Return the words of a response."""
    return "".join(part.get("transcript") or part.get("text") for part in response["output"][0]["content"])


async def test_sdk_client_calls_a_function_and_hears_its_result(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(tools=[WEATHER], tool_choice="auto", audio={"input": {"turn_detection": None}})
        called = await ask(realtime, "How is the weather tomorrow?")
        kinds = [kind for kind in realtime.event_types() if kind not in ("conversation.item.done",)]
        [item] = called["output"]
        output = {"type": "function_call_output", "call_id": item["call_id"], "output": '{"sky": "rain"}'}
        await realtime.connection.conversation.item.create(item=output)
        answered = await realtime.request_response()

    assert (called["status"], item["type"], item["name"]) == ("completed", "function_call", "lookup_weather")
    assert json.loads(item["arguments"]) == {"city": "A simulated city.", "days": 1}
    deltas = [event["delta"] for event in realtime.events_of_type("response.function_call_arguments.delta")]
    assert "".join(deltas) == item["arguments"]
    assert kinds[-len(CALL_EVENTS) + 1 :] == [kind for kind in CALL_EVENTS if kind != "conversation.item.done"]
    assert says(answered) == 'This is what I found: {"sky": "rain"}'


async def test_turn_that_names_no_function_is_answered_in_words(async_client):
    async with connect_realtime(async_client) as realtime:
        await realtime.configure(tools=[WEATHER], output_modalities=["text"])
        answered = await ask(realtime, "Hello, this is Sam.")

    assert answered["output"][0]["type"] == "message"


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "lookup_weather"}])
async def test_forced_function_is_called(async_client, choice):
    async with connect_realtime(async_client) as realtime:
        called = await ask(realtime, "Hello.", response={"tools": [WEATHER], "tool_choice": choice})

    assert called["output"][0]["name"] == "lookup_weather"


async def test_client_that_sends_null_for_what_is_unset(async_client):
    """A client that builds its events from typed models, and sends a separate update for its tools."""
    audio = {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "noise_reduction": None,
            "transcription": {"model": "gpt-4o-mini-transcribe", "language": None, "prompt": None},
            "turn_detection": {
                "type": "semantic_vad",
                "create_response": True,
                "eagerness": "medium",
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "speed": 1.0, "voice": "marin"},
    }
    session = {"type": "realtime", "model": "gpt-realtime-2.1", "output_modalities": ["audio"], "audio": audio}
    nulls = {"instructions": None, "tools": None, "tool_choice": None, "max_output_tokens": "inf", "tracing": None}
    async with connect_realtime(async_client) as realtime:
        await send(realtime, type="session.update", event_id="session_update_1", session=session | nulls)
        first = await realtime.receive_until("session.updated")
        update = {"type": "realtime", "model": "gpt-realtime-2.1", "tools": [WEATHER]}
        await send(realtime, type="session.update", event_id="tools_update_2", session=update)
        await realtime.receive_until("session.updated")
        item = {"id": "item_1", "type": "message", "role": "user", "status": None}
        item["content"] = [{"type": "input_text", "text": "The weather, please.", "audio": None}]
        await send(realtime, type="conversation.item.create", previous_item_id=None, event_id="chat_3", item=item)
        metadata = {"client_event_id": "response_create_4"}
        options = {"instructions": None, "metadata": metadata, "conversation": None}
        await send(realtime, type="response.create", event_id="response_create_4", response=options)
        called = (await realtime.receive_until("response.done"))["response"]
        output = {"id": "item_2", "type": "function_call_output", "output": "dry"}
        output["call_id"] = called["output"][0]["call_id"]
        previous = called["output"][0]["id"]
        await send(realtime, type="conversation.item.create", previous_item_id=previous, item=output)
        await send(realtime, type="response.create", response={"instructions": None})
        answered = (await realtime.receive_until("response.done"))["response"]

    assert first["session"]["instructions"] == ""
    assert (called["metadata"], called["output"][0]["name"]) == (metadata, "lookup_weather")
    assert says(answered) == "This is what I found: dry"
    assert realtime.events_of_type("error") == []


@pytest.mark.parametrize("name", ["audio/pcmu", "audio/pcma"])
async def test_telephone_client_speaks_and_hears_g711(async_client, name):
    """A client that passes the audio of a telephone through."""
    detection = {"type": "server_vad", "idle_timeout_ms": None}
    audio = {
        "input": {"format": {"type": name}, "turn_detection": detection, "transcription": {"model": "whisper-1"}},
        "output": {"format": {"type": name}, "voice": "cedar"},
    }
    async with connect_realtime(async_client) as realtime:
        session = (await realtime.configure(audio=audio, instructions="A phone call."))["session"]
        spoken = encode(speech(800) + silence(900), name)
        for start in range(0, len(spoken), 160):
            await realtime.connection.input_audio_buffer.append(
                audio=base64.b64encode(spoken[start : start + 160]).decode()
            )
        stopped = await realtime.receive_until("input_audio_buffer.speech_stopped")
        response = (await realtime.receive_until("response.done"))["response"]
        deltas = realtime.events_of_type("response.output_audio.delta")
        heard = b"".join(base64.b64decode(event["delta"]) for event in deltas)
        await realtime.connection.conversation.item.retrieve(item_id=response["output"][0]["id"])
        item = (await realtime.receive_until("conversation.item.retrieved"))["item"]

    assert (session["audio"]["input"]["format"], session["audio"]["output"]["format"]) == ({"type": name},) * 2
    assert 1200 < stopped["audio_end_ms"] < 1500
    assert response["audio"]["output"]["format"] == {"type": name}
    original = np.frombuffer(base64.b64decode(item["content"][0]["audio"]), dtype="<i2")
    assert abs(len(heard) - len(original) / 3) <= 2
    decoded = DECODING_TABLES[name][np.frombuffer(heard, dtype=np.uint8)].astype(float)
    assert np.corrcoef(decoded, original[::3][: len(decoded)])[0, 1] > 0.8


@pytest.mark.parametrize(("name", "shown"), [("g711_ulaw", "audio/pcmu"), ("g711_alaw", "audio/pcma")])
async def test_names_of_the_beta_api_are_taken(async_client, name, shown):
    session = {"modalities": ["text", "audio"], "voice": "alloy", "temperature": 0.8, "instructions": "A call."}
    session |= {"input_audio_format": name, "output_audio_format": name, "max_response_output_tokens": "inf"}
    session |= {"turn_detection": {"type": "server_vad"}, "input_audio_transcription": {"model": "whisper-1"}}
    async with connect_realtime(async_client) as realtime:
        await send(realtime, type="session.update", session=session)
        updated = (await realtime.receive_until("session.updated"))["session"]

    assert updated["audio"]["input"]["format"] == updated["audio"]["output"]["format"] == {"type": shown}
    assert (updated["output_modalities"], updated["audio"]["output"]["voice"]) == (["audio"], "alloy")
    assert updated["audio"]["input"]["transcription"] == {"model": "whisper-1"}


async def test_legacy_names_as_formats_are_shown_as_todays(async_client):
    async with connect_realtime(async_client) as realtime:
        formats = {"input": {"format": {"type": "g711_ulaw"}}, "output": {"format": "pcm16"}}
        updated = await realtime.configure(audio=formats)

    audio = updated["session"]["audio"]
    assert (audio["input"]["format"], audio["output"]["format"]["type"]) == ({"type": "audio/pcmu"}, "audio/pcm")


@pytest.mark.parametrize("name", sorted(DECODING_TABLES))
def test_every_code_survives_decoding_and_encoding(name):
    codes = np.arange(256, dtype=np.uint8)
    values = DECODING_TABLES[name][codes]

    steady = np.repeat(values[:, None], 300, axis=1).reshape(-1).astype("<i2")
    coded = np.frombuffer(encode(steady.tobytes(), name), dtype=np.uint8).reshape(256, 100)[:, 50]

    assert (DECODING_TABLES[name][coded] == values).all()


def test_input_decoder_continues_across_pieces():
    coded = encode(speech(100), "audio/pcmu")
    whole, pieces = InputDecoder(), InputDecoder()

    decoded = b"".join(pieces.decode(coded[start : start + 37], "audio/pcmu") for start in range(0, len(coded), 37))

    assert decoded == whole.decode(coded, "audio/pcmu")
    assert len(decoded) == len(coded) * 6


def test_responses_api_calls_a_function_and_passes_on_its_result(client):
    given = [{"role": "user", "content": "How is the weather?"}]
    tools = [WEATHER | {"strict": True}]

    called = client.responses.create(model="m", input=given, tools=tools)
    [call] = called.output
    given += [call.model_dump(exclude_none=True)]
    given += [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}]
    answered = client.responses.create(model="m", input=given, tools=tools)

    assert (call.type, call.name, json.loads(call.arguments)["days"]) == ("function_call", "lookup_weather", 1)
    assert answered.output_text == "This is what I found: rain"


def test_responses_api_streams_a_function_call(client):
    given = [{"role": "user", "content": "Any weather?"}]

    events = list(client.responses.create(model="m", input=given, tools=[WEATHER | {"strict": True}], stream=True))

    deltas = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
    [done] = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert (deltas, done.name) == (done.arguments, "lookup_weather")
