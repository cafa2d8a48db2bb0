"""Scripts about malformed, unknown, and misplaced events."""

from base64 import b64encode

from ..expectations import expect
from ..scripted_call import ScriptedCall


async def unknown_events(call: ScriptedCall) -> None:
    """Unknown events change nothing."""
    connection = await call.start_with_greeting()
    await connection.send_event("response.output_hologram.delta", response_id="resp_1", item_id="x", delta="?")
    await connection.send_event("conversation.created", conversation={"id": "conv_1"})
    await connection.send_event("session.created", session={"type": "realtime", "expires_at": "soon"})
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def malformed_events(call: ScriptedCall) -> None:
    """The call continues after broken JSON, values that are not objects, and fields of the wrong type."""
    connection = await call.start_with_greeting()
    for text in ("{", "", "[]", "7", "null", "{}", '{"type":7}', '{"type":"response.done"}', '{"type":"error"}'):
        await connection.send_text(text)
    await connection.send_event("response.output_audio.delta", response_id=7, item_id=[], delta={})
    await connection.send_event("conversation.item.added", item="caller_1", previous_item_id=9)
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def binary_messages(call: ScriptedCall) -> None:
    """The call continues after binary messages, whether or not they hold an event."""
    connection = await call.start_with_greeting()
    await connection.send_bytes(b"\xff\xfe\x00rubbish")
    await connection.send_bytes(b'{"type":"something.else"}')
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def event_of_15_mib(call: ScriptedCall) -> None:
    """The connection and the call's audio survive an item echoed with 15 MiB of audio."""
    connection = await call.start_with_greeting()
    audio = b64encode(bytes(11 * 1024 * 1024)).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": None}]
    await connection.send_item_added("echo_1", None, "user", content=content)
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    expect(not call.page.notices(), f"the page receives no notice: {call.page.notices()}")
    await call.hang_up()


async def invalid_item_ids(call: ScriptedCall) -> None:
    """Items with overlong ids, empty ids, or a NUL are ignored; the next turn is not."""
    connection = await call.start_with_greeting()
    for item in ("x" * 1000, "", "nul\0nul"):
        await connection.send_event("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        await connection.send_item_added(item, None, "user")
        await connection.send_user_transcript(item, "Nobody said this.")
    await connection.send_whole_response("resp_1", "caller_1", "y" * 1000, "Hello.", 200)
    await call.expect_answer(connection)
    expect("Nobody said this." not in str(await call.hang_up()), "an item with an invalid id does not become a turn")


async def audio_for_an_unknown_response(call: ScriptedCall) -> None:
    """Deltas that belong to no response of the call are not treated as the caller's speech."""
    connection = await call.start_with_greeting()
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await connection.send_response_done("resp_x")
    await connection.send_transcript_delta("resp_x", "caller_x", "Somebody else.")
    await connection.send_audio("resp_x", "caller_x", 300)
    await connection.send_transcript_done("resp_x", "caller_x", "Somebody else.")
    await call.expect_answer(connection)
    expect("Somebody else." not in str(await call.hang_up()), "the unknown response is not in the transcript")


async def audio_before_the_session_is_confirmed(call: ScriptedCall) -> None:
    """The call starts even if upstream sends audio before it confirms the session."""
    await call.open_call()
    call.connection = connection = await call.upstream.wait_for_connection(1)
    await connection.send_event("session.created", session={"type": "realtime"})
    await connection.send_audio("resp_0", "caller_0", 300)
    await connection.wait_for_event("session.update")
    await connection.send_event("session.updated", session={"type": "realtime"})
    await call.page.wait_for_message("ready")
    await call.expect_answer(connection)
    await call.hang_up()


SCRIPTS = [
    unknown_events,
    malformed_events,
    binary_messages,
    event_of_15_mib,
    invalid_item_ids,
    audio_for_an_unknown_response,
    audio_before_the_session_is_confirmed,
]
