"""Scripts about malformed, unknown, and misplaced events."""

from base64 import b64encode

from ..expectations import expect
from ..scripted_call import ScriptedCall


async def unknown_events(stage: ScriptedCall) -> None:
    """Unknown events change nothing."""
    line = await stage.start_with_greeting()
    await line.send_event("response.output_hologram.delta", response_id="resp_1", item_id="x", delta="?")
    await line.send_event("conversation.created", conversation={"id": "conv_1"})
    await line.send_event("session.created", session={"type": "realtime", "expires_at": "soon"})
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def events_that_are_no_events(stage: ScriptedCall) -> None:
    """The call continues after broken JSON, values that are not objects, and fields of the wrong type."""
    line = await stage.start_with_greeting()
    for text in ("{", "", "[]", "7", "null", "{}", '{"type":7}', '{"type":"response.done"}', '{"type":"error"}'):
        await line.send_text(text)
    await line.send_event("response.output_audio.delta", response_id=7, item_id=[], delta={})
    await line.send_event("conversation.item.added", item="caller_1", previous_item_id=9)
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def binary_messages(stage: ScriptedCall) -> None:
    """The call continues after binary messages, whether or not they hold an event."""
    line = await stage.start_with_greeting()
    await line.send_bytes(b"\xff\xfe\x00rubbish")
    await line.send_bytes(b'{"type":"something.else"}')
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def an_event_of_15_mib(stage: ScriptedCall) -> None:
    """The connection and the call's audio survive an item echoed with 15 MiB of audio."""
    line = await stage.start_with_greeting()
    audio = b64encode(bytes(11 * 1024 * 1024)).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": None}]
    await line.send_item_added("echo_1", None, "user", content=content)
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(not stage.page.notices(), f"nobody notices: {stage.page.notices()}")
    await stage.hang_up()


async def impossible_ids(stage: ScriptedCall) -> None:
    """Items with overlong ids, empty ids, or a NUL are ignored; the next turn is not."""
    line = await stage.start_with_greeting()
    for item in ("x" * 1000, "", "nul\0nul"):
        await line.send_event("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        await line.send_item_added(item, None, "user")
        await line.send_user_transcript(item, "Nobody said this.")
    await line.send_whole_response("resp_1", "caller_1", "y" * 1000, "Hello.", 200)
    await stage.expect_answer(line)
    expect("Nobody said this." not in str(await stage.hang_up()), "it does not become a turn")


async def sound_for_somebody_else(stage: ScriptedCall) -> None:
    """Deltas that belong to no response of the call are not treated as the caller's speech."""
    line = await stage.start_with_greeting()
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await line.send_response_done("resp_x")
    await line.send_transcript_delta("resp_x", "caller_x", "Somebody else.")
    await line.send_audio("resp_x", "caller_x", 300)
    await line.send_transcript_done("resp_x", "caller_x", "Somebody else.")
    await stage.expect_answer(line)
    expect("Somebody else." not in str(await stage.hang_up()), "nobody else is in the transcript")


async def sound_before_the_session_stands(stage: ScriptedCall) -> None:
    """The call starts even if upstream sends audio before it confirms the session."""
    await stage.open_call()
    stage.connection = line = await stage.upstream.wait_for_connection(1)
    await line.send_event("session.created", session={"type": "realtime"})
    await line.send_audio("resp_0", "caller_0", 300)
    await line.wait_for_event("session.update")
    await line.send_event("session.updated", session={"type": "realtime"})
    await stage.page.wait_for_message("ready")
    await stage.expect_answer(line)
    await stage.hang_up()


SCRIPTS = [
    unknown_events,
    events_that_are_no_events,
    binary_messages,
    an_event_of_15_mib,
    impossible_ids,
    sound_for_somebody_else,
    sound_before_the_session_stands,
]
