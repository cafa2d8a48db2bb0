"""Scripts about transcripts: order, failures, duplicates, and phantom speech."""

from ..expectations import expect
from ..scripted_call import ScriptedCall

GREETING = "Crisis line, good evening."


async def transcripts_out_of_order(call: ScriptedCall) -> None:
    """Turns keep their spoken order even if their transcripts arrive out of order."""
    connection = await call.start_call()
    first = await call.speak_for(400)
    await connection.send_user_speech("user_1", None, first)
    await connection.send_whole_response("resp_1", "caller_1", "user_1", "Hello there.", 200)
    await call.page.wait_for_turn("Hello there.")
    second = await call.speak_for(400)
    await connection.send_user_speech("user_2", "caller_1", second)
    await connection.send_user_transcript("user_2", "Second.")
    await connection.send_user_transcript("user_1", "First.")
    await call.page.wait_for_turn("First.")
    lines = await call.hang_up()
    call.expect_transcript(lines, ("counselor", "First."), ("caller", "Hello there."), ("counselor", "Second."))


async def failed_transcript(call: ScriptedCall) -> None:
    """A failed transcription leaves a turn marked inaudible, and the caller still responds."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_user_speech("user_1", None, since)
    error = {"type": "server_error", "code": "transcription_failed", "message": "no"}
    kind = "conversation.item.input_audio_transcription.failed"
    await connection.send_event(kind, item_id="user_1", content_index=0, error=error)
    await call.page.wait_for_turn("[inaudible]")
    await connection.wait_for_event("response.create")
    call.expect_transcript(await call.hang_up(), ("counselor", "[inaudible]"))


async def missing_transcript(call: ScriptedCall) -> None:
    """Hanging up waits for a missing transcript only for a limited time and keeps the turn."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_user_speech("user_1", None, since)
    await connection.wait_for_event("response.create")
    call.expect_transcript(await call.hang_up(), ("counselor", "[inaudible]"))


async def transcript_before_its_item(call: ScriptedCall) -> None:
    """A transcript that arrives before its item is kept exactly once."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await connection.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await connection.send_user_transcript("user_1", "Good evening.")
    await connection.send_item_added("user_1", None, "user")
    await call.page.wait_for_turn("Good evening.")
    call.expect_transcript(await call.hang_up(), ("counselor", "Good evening."))


async def duplicate_events(call: ScriptedCall) -> None:
    """Duplicate events about a turn produce one turn and one response."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    for _ in range(2):
        await connection.send_user_speech("user_1", None, since, "Good evening.")
    await connection.wait_for_event("response.create")
    await connection.send_whole_response("resp_1", "caller_1", "user_1", "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.expect_answer(connection)
    expect(len(connection.events_of_type("response.create")) == 2, "one response is requested for each question")
    lines = await call.hang_up()
    expect([text for _, text, _ in lines].count("Good evening.") == 1, f"there is one turn with these words: {lines}")


async def comfort_noise(call: ScriptedCall) -> None:
    """Room noise detected as speech leads to no turn and no response, and its item is deleted upstream."""
    connection = await call.start_call()
    await call.page.wait_for_microphone(600)
    await connection.send_user_speech("user_1", None, connection.received_audio_ms - 400, "Thank you for watching.")
    deleted = await connection.wait_for_event("conversation.item.delete")
    expect(deleted["item_id"] == "user_1", "the phantom item is deleted")
    await call.page.wait_for_microphone(400)
    expect(not connection.events_of_type("response.create"), "no response to phantom speech is requested")
    call.expect_transcript(await call.hang_up())


async def phantom_speech_while_muted(call: ScriptedCall) -> None:
    """Words transcribed while the microphone is muted do not become a turn."""
    connection = await call.start_call()
    await call.page.send_message(type="mute", on=True)
    since = await call.speak_for(500)
    await connection.send_user_speech("user_1", None, since, "You.")
    await connection.wait_for_event("conversation.item.delete")
    call.expect_transcript(await call.hang_up())


async def item_chain_with_gaps(call: ScriptedCall) -> None:
    """Items that follow unannounced or missing items are kept."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_user_speech("user_1", "item_that_is_nowhere", since, "First.")
    await connection.wait_for_event("response.create")
    await connection.send_whole_response("resp_1", "caller_1", "another_one", "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    call.expect_transcript(await call.hang_up(), ("counselor", "First."), ("caller", "Hello."))


async def item_chain_with_a_loop(call: ScriptedCall) -> None:
    """Two items that each claim to follow the other are both kept."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_user_speech("user_1", "caller_1", since, "First.")
    await connection.wait_for_event("response.create")
    await connection.send_whole_response("resp_1", "caller_1", "user_1", "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    lines = await call.hang_up()
    expect(sorted(text for _, text, _ in lines) == ["First.", "Hello."], f"each turn occurs once: {lines}")


async def invalid_timestamps(call: ScriptedCall) -> None:
    """Negative timestamps and timestamps far in the future are tolerated."""
    connection = await call.start_call()
    since = await call.speak_for(400)
    await connection.send_event("input_audio_buffer.speech_started", item_id="user_0", audio_start_ms=-5)
    await connection.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await connection.send_event("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=10**12)
    await connection.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await connection.send_user_transcript("user_1", "Good evening.")
    await call.page.wait_for_turn("Good evening.")
    call.expect_transcript(await call.hang_up(), ("counselor", "Good evening."))


SCRIPTS = [
    transcripts_out_of_order,
    failed_transcript,
    missing_transcript,
    transcript_before_its_item,
    duplicate_events,
    comfort_noise,
    phantom_speech_while_muted,
    item_chain_with_gaps,
    item_chain_with_a_loop,
    invalid_timestamps,
]
