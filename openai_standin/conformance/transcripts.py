"""What upstream understands, and when it says so."""

from .expectation import expect
from .stage import Stage

GREETING = "Crisis line, good evening."


async def transcripts_out_of_order(stage: Stage) -> None:
    """The words of a later turn come before those of an earlier one: both stand where they were spoken."""
    line = await stage.begin()
    first = await stage.speak_up(400)
    await line.hears("user_1", None, first)
    await line.speaks("resp_1", "caller_1", "user_1", "Hello there.", 200)
    await stage.page.wait_for_turn("Hello there.")
    second = await stage.speak_up(400)
    await line.hears("user_2", "caller_1", second)
    await line.understood("user_2", "Second.")
    await line.understood("user_1", "First.")
    await stage.page.wait_for_turn("First.")
    lines = await stage.hang_up()
    stage.expect_lines(lines, ("counselor", "First."), ("caller", "Hello there."), ("counselor", "Second."))


async def failed_transcript(stage: Stage) -> None:
    """A transcription that fails leaves a turn that says so, and the caller answers all the same."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.hears("user_1", None, since)
    error = {"type": "server_error", "code": "transcription_failed", "message": "no"}
    kind = "conversation.item.input_audio_transcription.failed"
    await line.say(kind, item_id="user_1", content_index=0, error=error)
    await stage.page.wait_for_turn("[inaudible]")
    await line.wait_for("response.create")
    stage.expect_lines(await stage.hang_up(), ("counselor", "[inaudible]"))


async def transcript_that_never_comes(stage: Stage) -> None:
    """Hanging up waits for words, but not for ever, and keeps the turn."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.hears("user_1", None, since)
    await line.wait_for("response.create")
    stage.expect_lines(await stage.hang_up(), ("counselor", "[inaudible]"))


async def transcript_before_its_item(stage: Stage) -> None:
    """The words come before the item is announced: they are not lost, and not doubled."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await line.say("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await line.understood("user_1", "Good evening.")
    await line.added("user_1", None, "user")
    await stage.page.wait_for_turn("Good evening.")
    stage.expect_lines(await stage.hang_up(), ("counselor", "Good evening."))


async def everything_twice(stage: Stage) -> None:
    """Every event about a turn comes twice: one turn, one answer."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    for _ in range(2):
        await line.hears("user_1", None, since, "Good evening.")
    await line.wait_for("response.create")
    await line.speaks("resp_1", "caller_1", "user_1", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.still_works(line)
    expect(len(line.of("response.create")) == 2, "each question is answered once")
    lines = await stage.hang_up()
    expect([text for _, text, _ in lines].count("Good evening.") == 1, f"the turn stands once: {lines}")


async def comfort_noise(stage: Stage) -> None:
    """Upstream takes the noise of the room for speech: no turn, no answer, and upstream is told to forget it."""
    line = await stage.begin()
    await stage.page.microphone(600)
    await line.hears("user_1", None, line.heard_ms - 400, "Thank you for watching.")
    deleted = await line.wait_for("conversation.item.delete")
    expect(deleted["item_id"] == "user_1", "the phantom item is deleted")
    await stage.page.microphone(400)
    expect(not line.of("response.create"), "nobody answers what nobody said")
    stage.expect_lines(await stage.hang_up())


async def phantom_words_while_muted(stage: Stage) -> None:
    """Muted is silent: words that upstream finds there are nobody's."""
    line = await stage.begin()
    await stage.page.say(type="mute", on=True)
    since = await stage.speak_up(500)
    await line.hears("user_1", None, since, "You.")
    await line.wait_for("conversation.item.delete")
    stage.expect_lines(await stage.hang_up())


async def chain_with_holes(stage: Stage) -> None:
    """Items follow others that nobody has announced yet, or ever: nothing is lost."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.hears("user_1", "item_that_is_nowhere", since, "First.")
    await line.wait_for("response.create")
    await line.speaks("resp_1", "caller_1", "another_one", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    stage.expect_lines(await stage.hang_up(), ("counselor", "First."), ("caller", "Hello."))


async def chain_in_a_circle(stage: Stage) -> None:
    """Two items that each follow the other: both are kept."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.hears("user_1", "caller_1", since, "First.")
    await line.wait_for("response.create")
    await line.speaks("resp_1", "caller_1", "user_1", "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    lines = await stage.hang_up()
    expect(sorted(text for _, text, _ in lines) == ["First.", "Hello."], f"both turns are there once: {lines}")


async def impossible_times(stage: Stage) -> None:
    """Times that are negative, or hours ahead, harm nothing."""
    line = await stage.begin()
    since = await stage.speak_up(400)
    await line.say("input_audio_buffer.speech_started", item_id="user_0", audio_start_ms=-5)
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await line.say("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=10**12)
    await line.say("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await line.understood("user_1", "Good evening.")
    await stage.page.wait_for_turn("Good evening.")
    stage.expect_lines(await stage.hang_up(), ("counselor", "Good evening."))


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
