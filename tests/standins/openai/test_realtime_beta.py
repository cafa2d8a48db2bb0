"""The beta version of the realtime API, and handshakes of browsers, which pass the key in a subprotocol."""

import json

import pytest
from websockets.asyncio.client import connect

from .sdk_type_validation import beta_server_event_problems

KEY_PROTOCOL = "openai-insecure-api-key.sk-browser"
MODEL = "gpt-4o-realtime-preview"
FUNCTION = {"type": "function", "name": "lookup_weather", "parameters": {"type": "object"}}


def socket_url(standin):
    return f"{standin.base_url.replace('http', 'ws', 1)}/realtime?model={MODEL}"


def beta_socket(standin):
    headers = {"Authorization": "Bearer sk-test", "OpenAI-Beta": "realtime=v1"}
    return connect(socket_url(standin), additional_headers=headers)


async def send(socket, **event):
    await socket.send(json.dumps(event))


async def receive_until(socket, kind):
    """Receive beta events up to the next one of this type. Return all of them."""
    events = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(await socket.recv()))
        assert beta_server_event_problems(events[-1]) == []
    return events


async def test_browser_passes_its_key_in_a_subprotocol(standin):
    async with connect(socket_url(standin), subprotocols=["realtime", KEY_PROTOCOL]) as socket:
        created = json.loads(await socket.recv())

    assert (socket.subprotocol, created["session"]["type"]) == ("realtime", "realtime")
    assert "sk-browser" not in json.dumps(standin.logged_requests("realtime"))


async def test_wrong_key_in_a_subprotocol_is_reported(standin):
    protocols = ["realtime", "openai-insecure-api-key.sk-invalid"]
    async with connect(socket_url(standin), subprotocols=protocols) as socket:
        error = json.loads(await socket.recv())["error"]

    assert error["code"] == "invalid_api_key"


async def test_beta_is_requested_with_a_subprotocol(standin):
    protocols = ["realtime", KEY_PROTOCOL, "openai-beta.realtime-v1"]
    async with connect(socket_url(standin), subprotocols=protocols) as socket:
        created, conversation = await receive_until(socket, "conversation.created")

    assert created["session"]["modalities"] == ["text", "audio"]
    assert conversation["conversation"]["object"] == "realtime.conversation"


async def test_beta_session_keeps_its_names(standin):
    async with beta_socket(standin) as socket:
        session = {"instructions": "A call.", "tools": [FUNCTION]}
        await send(socket, type="session.update", session=session)
        first = (await receive_until(socket, "session.updated"))[-1]["session"]
        session = {"turn_detection": None, "input_audio_format": "g711_ulaw", "output_audio_format": "g711_alaw"}
        session |= {"input_audio_transcription": {"model": "whisper-1"}, "max_response_output_tokens": 500}
        await send(socket, type="session.update", session=session | {"modalities": ["text"], "temperature": 0.6})
        second = (await receive_until(socket, "session.updated"))[-1]["session"]

    assert (first["instructions"], first["tools"], first["input_audio_format"]) == ("A call.", [FUNCTION], "pcm16")
    assert first["turn_detection"]["type"] == "server_vad"
    assert {name: second[name] for name in session} == session
    assert (second["modalities"], second["instructions"]) == (["text"], "A call.")


async def test_beta_conversation_has_its_own_events_and_parts(standin):
    said = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi."}]}
    async with beta_socket(standin) as socket:
        await send(socket, type="conversation.item.create", item=said)
        item = (await receive_until(socket, "conversation.item.created"))[-1]["item"]
        options = {"modalities": ["text", "audio"], "voice": "ash", "output_audio_format": "g711_ulaw"}
        options |= {"max_response_output_tokens": "inf", "temperature": 0.7, "input": [said], "conversation": "none"}
        await send(socket, type="response.create", response=options)
        spoken = await receive_until(socket, "response.done")
        await send(socket, type="response.create", response={"modalities": ["text"]})
        written = await receive_until(socket, "response.done")

    assert item["content"] == said["content"]
    response = spoken[-1]["response"]
    assert (response["voice"], response["output_audio_format"]) == ("ash", "g711_ulaw")
    assert response["output"][0]["content"][0]["type"] == "audio"
    assert {"response.audio.delta", "response.audio_transcript.done"} <= {event["type"] for event in spoken}
    kinds = {event["type"] for event in written}
    assert {"response.text.delta", "response.text.done", "conversation.item.created"} <= kinds
    assert not kinds & {"conversation.item.added", "conversation.item.done"}


async def test_error_of_a_beta_client_has_the_shape_of_the_beta(standin):
    async with beta_socket(standin) as socket:
        await send(socket, type="session.update", session={"voice": "nobody"}, event_id="event_1")
        error = (await receive_until(socket, "error"))[-1]["error"]

    assert (error["code"], error["event_id"]) == ("invalid_value", "event_1")


@pytest.mark.parametrize("order", [["text", "audio"], ["audio", "text"]])
async def test_audio_with_text_is_audio(async_client, order):
    """Clients still ask for both, although audio always has a transcript."""
    async with async_client.realtime.connect(model="gpt-realtime-2.1") as connection:
        await connection.send_raw(
            json.dumps({"type": "session.update", "session": {"type": "realtime", "output_modalities": order}})
        )
        await connection.recv()
        session = json.loads(await connection.recv_bytes())["session"]

    assert session["output_modalities"] == ["audio"]
