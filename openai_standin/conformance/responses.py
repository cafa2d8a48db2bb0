"""What comes when the caller is asked to speak, or does not."""

import time

from .expectation import expect
from .sound import silence
from .stage import Stage


async def response_done_before_its_sound(stage: Stage) -> None:
    """The response is over before its audio says so: the turn is whole."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "Hello there.")
    await line.sound("resp_1", "caller_1", 300)
    await line.done("resp_1")
    await line.whole("resp_1", "caller_1", "Hello there.")
    await stage.page.wait_for_turn("Hello there.")
    await stage.still_works(line)
    await stage.hang_up()


async def response_that_was_never_announced(stage: Stage) -> None:
    """A response without a beginning has an end, and the next one is asked for."""
    line = await stage.answered()
    await line.text("resp_1", "caller_1", "Hello there.")
    await line.sound("resp_1", "caller_1", 300)
    await line.whole("resp_1", "caller_1", "Hello there.")
    await line.done("resp_1")
    await stage.page.wait_for_turn("Hello there.")
    await stage.still_works(line)
    await stage.hang_up()


async def another_response_is_active(stage: Stage) -> None:
    """Upstream says it is speaking already: the answer is asked for again when that is over, once."""
    line = await stage.answered()
    asked = line.of("response.create")[0]
    code = "conversation_already_has_active_response"
    error = {"type": "invalid_request_error", "code": code, "message": "no", "event_id": asked["event_id"]}
    await line.say("error", error=error)
    await line.done("somebody_elses")
    await line.wait_for("response.create", 2)
    await line.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(len(line.of("response.create")) == 2, "it is asked for once more, not more often")
    await stage.hang_up()


async def rate_limit(stage: Stage) -> None:
    """A response fails for the rate limit: it is asked for again, but not at once."""
    line = await stage.answered()
    await line.begins("resp_1")
    error = {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "later"}
    await line.done("resp_1", "failed", status_details={"type": "failed", "error": error})
    began = time.monotonic()
    await line.wait_for("response.create", 2)
    expect(time.monotonic() - began > 0.5, "it waits a moment before it asks again")
    await line.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def rate_limit_told_aside(stage: Stage) -> None:
    """`rate_limits.updated` is news, not an event of the call."""
    line = await stage.answered()
    limits = [{"name": "tokens", "limit": 1, "remaining": 0, "reset_seconds": 60}]
    await line.say("rate_limits.updated", rate_limits=limits)
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def cut_off_by_its_length(stage: Stage) -> None:
    """A response that is incomplete has been heard as far as it came."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "I wanted to")
    await line.sound("resp_1", "caller_1", 400)
    await line.done("resp_1", "incomplete", status_details={"type": "incomplete", "reason": "max_output_tokens"})
    await stage.page.wait_for_turn("I wanted to")
    await stage.still_works(line)
    await stage.hang_up()


async def cut_off_by_a_filter(stage: Stage) -> None:
    """A response that a filter took away before it was heard is asked for once more."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.done("resp_1", "incomplete", status_details={"type": "incomplete", "reason": "content_filter"})
    await line.wait_for("response.create", 2)
    await line.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def function_call_for_an_answer(stage: Stage) -> None:
    """The model calls a function that nobody offered: it is asked to speak once more."""
    line = await stage.answered()
    await line.begins("resp_1")
    call = {"id": "call_1", "type": "function_call", "call_id": "c", "name": "hang_up", "arguments": "{not json"}
    await line.say("response.output_item.added", response_id="resp_1", output_index=0, item=call)
    await line.say("conversation.item.added", previous_item_id=None, item=call)
    await line.done("resp_1", output=[call])
    await line.wait_for("response.create", 2)
    await line.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def text_for_an_answer(stage: Stage) -> None:
    """Text without a voice was not heard: no turn, and it is asked for once more."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    about = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    await line.say("response.output_text.delta", **about, delta="Silent words.")
    await line.say("response.output_text.done", **about, text="Silent words.")
    await line.done("resp_1")
    await line.wait_for("response.create", 2)
    await line.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect("Silent words." not in str(await stage.hang_up()), "what nobody heard is no turn")


async def caller_without_a_voice(stage: Stage) -> None:
    """Sound that is silence: asked for once more, then the page is told, and nobody is graded by it."""
    line = await stage.answered()
    for number in (1, 2):
        await line.wait_for("response.create", number)
        await line.begins(f"resp_{number}")
        await line.item(f"resp_{number}", f"caller_{number}", None)
        await line.text(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await line.sound(f"resp_{number}", f"caller_{number}", 800, silence(800))
        await line.whole(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await line.done(f"resp_{number}")
    await stage.page.wait_for_notice("caller_inaudible")
    await stage.ended_as("caller_inaudible", "failed")
    expect("Words without a voice." not in str(await stage.transcript()), "what nobody heard is no turn")


async def no_answer_at_all(stage: Stage) -> None:
    """Upstream takes the question and says nothing more: it is called again, and asked again."""
    line = await stage.answered()
    await stage.page.wait_for_notice("caller_reconnecting")
    again = await stage.back_again()
    await stage.page.wait_for_notice("caller_back")
    await again.wait_for("response.create")
    await again.speaks("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(line.over.is_set(), "the dead connection is closed")
    await stage.hang_up()


async def tiny_deltas(stage: Stage) -> None:
    """Four hundred deltas of a millisecond each: the page gets frames of a decent size, and all of it."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "Hello.")
    for _ in range(400):
        await line.sound("resp_1", "caller_1", 1)
    await line.whole("resp_1", "caller_1", "Hello.")
    await line.done("resp_1")
    await stage.page.wait_for_turn("Hello.")
    sizes = [samples for _, samples in stage.page.frames]
    expect(sum(sizes) == 400 * 24, f"all of it is heard: {sum(sizes)} samples")
    expect(all(size >= 480 for size in sizes[:-1]), f"frames of 20 ms and more: {sizes}")
    await stage.hang_up()


async def huge_delta(stage: Stage) -> None:
    """Thirty seconds in one event: sent on in pieces, never far ahead of the ear."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "A very long story.")
    await line.sound("resp_1", "caller_1", 30_000)
    await line.whole("resp_1", "caller_1", "A very long story.")
    await line.done("resp_1")
    await stage.page.wait_for_sound(800)
    ahead = stage.page.received[1] - stage.page.rendered[1]
    expect(ahead <= 24 * 3000, f"at most three seconds lie unheard on the page: {ahead // 24} ms")
    expect(max(samples for _, samples in stage.page.frames) <= 2400, "in frames of at most 100 ms")
    await stage.hang_up()


async def sound_that_is_none(stage: Stage) -> None:
    """Half samples and broken base64 are passed over; the rest is heard."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "Hello.")
    about = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    for delta in ("!!!not base64!!!", "QQ==", "QUJD", ""):
        await line.say("response.output_audio.delta", **about, delta=delta)
    await line.sound("resp_1", "caller_1", 300)
    await line.whole("resp_1", "caller_1", "Hello.")
    await line.done("resp_1")
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


SCRIPTS = [
    response_done_before_its_sound,
    response_that_was_never_announced,
    another_response_is_active,
    rate_limit,
    rate_limit_told_aside,
    cut_off_by_its_length,
    cut_off_by_a_filter,
    function_call_for_an_answer,
    text_for_an_answer,
    caller_without_a_voice,
    no_answer_at_all,
    tiny_deltas,
    huge_delta,
    sound_that_is_none,
]
