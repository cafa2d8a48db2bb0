"""Scripts about transcripts: order, failures, duplicates, and phantom speech."""

from ..expectations import expect
from ..scripted_call import ScriptedCall

GREETING = "Crisis line, good evening."


async def transcripts_out_of_order(stage: ScriptedCall) -> None:
    """Turns keep the order in which they were spoken when their transcripts arrive in another."""
    line = await stage.start_call()
    first = await stage.speak_for(400)
    await line.send_user_speech("user_1", None, first)
    await line.send_whole_response("resp_1", "caller_1", "user_1", "Hello there.", 200)
    await stage.page.wait_for_turn("Hello there.")
    second = await stage.speak_for(400)
    await line.send_user_speech("user_2", "caller_1", second)
    await line.send_user_transcript("user_2", "Second.")
    await line.send_user_transcript("user_1", "First.")
    await stage.page.wait_for_turn("First.")
    lines = await stage.hang_up()
    stage.expect_transcript(lines, ("counselor", "First."), ("caller", "Hello there."), ("counselor", "Second."))


async def failed_transcript(stage: ScriptedCall) -> None:
    """A failed transcription leaves a turn marked inaudible, and the caller still responds."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_user_speech("user_1", None, since)
    error = {"type": "server_error", "code": "transcription_failed", "message": "no"}
    kind = "conversation.item.input_audio_transcription.failed"
    await line.send_event(kind, item_id="user_1", content_index=0, error=error)
    await stage.page.wait_for_turn("[inaudible]")
    await line.wait_for_event("response.create")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "[inaudible]"))


async def transcript_that_never_comes(stage: ScriptedCall) -> None:
    """Hanging up waits for a missing transcript only for a limited time and keeps the turn."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_user_speech("user_1", None, since)
    await line.wait_for_event("response.create")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "[inaudible]"))


async def transcript_before_its_item(stage: ScriptedCall) -> None:
    """A transcript that arrives before its item is kept exactly once."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await line.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await line.send_user_transcript("user_1", "Good evening.")
    await line.send_item_added("user_1", None, "user")
    await stage.page.wait_for_turn("Good evening.")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "Good evening."))


async def everything_twice(stage: ScriptedCall) -> None:
    """Duplicate events about a turn produce one turn and one response."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    for _ in range(2):
        await line.send_user_speech("user_1", None, since, "Good evening.")
    await line.wait_for_event("response.create")
    await line.send_whole_response("resp_1", "caller_1", "user_1", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.expect_answer(line)
    expect(len(line.events_of_type("response.create")) == 2, "each question is answered once")
    lines = await stage.hang_up()
    expect([text for _, text, _ in lines].count("Good evening.") == 1, f"the turn stands once: {lines}")


async def comfort_noise(stage: ScriptedCall) -> None:
    """Room noise taken for speech makes no turn and no response, and upstream is told to delete it."""
    line = await stage.start_call()
    await stage.page.wait_for_microphone(600)
    await line.send_user_speech("user_1", None, line.received_audio_ms - 400, "Thank you for watching.")
    deleted = await line.wait_for_event("conversation.item.delete")
    expect(deleted["item_id"] == "user_1", "the phantom item is deleted")
    await stage.page.wait_for_microphone(400)
    expect(not line.events_of_type("response.create"), "nobody answers what nobody said")
    stage.expect_transcript(await stage.hang_up())


async def phantom_words_while_muted(stage: ScriptedCall) -> None:
    """Words that upstream finds while the microphone is muted make no turn."""
    line = await stage.start_call()
    await stage.page.send_message(type="mute", on=True)
    since = await stage.speak_for(500)
    await line.send_user_speech("user_1", None, since, "You.")
    await line.wait_for_event("conversation.item.delete")
    stage.expect_transcript(await stage.hang_up())


async def chain_with_holes(stage: ScriptedCall) -> None:
    """Items that follow unannounced or missing items are kept."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_user_speech("user_1", "item_that_is_nowhere", since, "First.")
    await line.wait_for_event("response.create")
    await line.send_whole_response("resp_1", "caller_1", "another_one", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "First."), ("caller", "Hello."))


async def chain_in_a_circle(stage: ScriptedCall) -> None:
    """Two items that each claim to follow the other are both kept."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_user_speech("user_1", "caller_1", since, "First.")
    await line.wait_for_event("response.create")
    await line.send_whole_response("resp_1", "caller_1", "user_1", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    lines = await stage.hang_up()
    expect(sorted(text for _, text, _ in lines) == ["First.", "Hello."], f"both turns are there once: {lines}")


async def impossible_times(stage: ScriptedCall) -> None:
    """Negative timestamps and timestamps hours ahead do no harm."""
    line = await stage.start_call()
    since = await stage.speak_for(400)
    await line.send_event("input_audio_buffer.speech_started", item_id="user_0", audio_start_ms=-5)
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await line.send_event("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=10**12)
    await line.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await line.send_user_transcript("user_1", "Good evening.")
    await stage.page.wait_for_turn("Good evening.")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "Good evening."))


SCRIPTS = [
    transcripts_out_of_order,
    failed_transcript,
    transcript_that_never_comes,
    transcript_before_its_item,
    everything_twice,
    comfort_noise,
    phantom_words_while_muted,
    chain_with_holes,
    chain_in_a_circle,
    impossible_times,
]
