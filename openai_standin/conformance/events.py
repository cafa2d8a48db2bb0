"""Events that are not what they should be."""

from base64 import b64encode

from .expectation import expect
from .stage import Stage


async def unknown_events(stage: Stage) -> None:
    """Events that nobody has heard of yet change nothing."""
    line = await stage.answered()
    await line.say("response.output_hologram.delta", response_id="resp_1", item_id="x", delta="?")
    await line.say("conversation.created", conversation={"id": "conv_1"})
    await line.say("session.created", session={"type": "realtime", "expires_at": "soon"})
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def events_that_are_no_events(stage: Stage) -> None:
    """Broken JSON, a list, a number, an empty object, fields of the wrong kind: the call goes on."""
    line = await stage.answered()
    for text in ("{", "", "[]", "7", "null", "{}", '{"type":7}', '{"type":"response.done"}', '{"type":"error"}'):
        await line.say_raw(text)
    await line.say("response.output_audio.delta", response_id=7, item_id=[], delta={})
    await line.say("conversation.item.added", item="caller_1", previous_item_id=9)
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def binary_messages(stage: Stage) -> None:
    """Upstream sends an event as a binary message, and bytes that are none."""
    line = await stage.answered()
    await line.say_bytes(b"\xff\xfe\x00rubbish")
    await line.say_bytes(b'{"type":"something.else"}')
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def an_event_of_15_mib(stage: Stage) -> None:
    """An item is echoed with all its sound: the connection stands, and the sound of the call goes on."""
    line = await stage.answered()
    audio = b64encode(bytes(11 * 1024 * 1024)).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": None}]
    await line.added("echo_1", None, "user", content=content)
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(not stage.page.notices(), f"nobody notices: {stage.page.notices()}")
    await stage.hang_up()


async def impossible_ids(stage: Stage) -> None:
    """Ids of a thousand characters, with a NUL, or empty, are passed over; the next turn is not."""
    line = await stage.answered()
    for item in ("x" * 1000, "", "nul\0nul"):
        await line.say("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        await line.added(item, None, "user")
        await line.understood(item, "Nobody said this.")
    await line.speaks("resp_1", "caller_1", "y" * 1000, "Hello.", 200)
    await stage.still_works(line)
    expect("Nobody said this." not in str(await stage.hang_up()), "it is no turn")


async def sound_for_somebody_else(stage: Stage) -> None:
    """Deltas that belong to no response of the call are not what the caller says."""
    line = await stage.answered()
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await line.done("resp_x")
    await line.text("resp_x", "caller_x", "Somebody else.")
    await line.sound("resp_x", "caller_x", 300)
    await line.whole("resp_x", "caller_x", "Somebody else.")
    await stage.still_works(line)
    expect("Somebody else." not in str(await stage.hang_up()), "nobody else is in the transcript")


async def sound_before_the_session_stands(stage: Stage) -> None:
    """Upstream speaks before it has confirmed anything: the call begins all the same."""
    await stage.dial()
    stage.line = line = await stage.upstream.connection(1)
    await line.say("session.created", session={"type": "realtime"})
    await line.sound("resp_0", "caller_0", 300)
    await line.wait_for("session.update")
    await line.say("session.updated", session={"type": "realtime"})
    await stage.page.wait_for("ready")
    await stage.still_works(line)
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
