"""Scripts about responses: order, failures, silence, and unusual audio."""

import time

from ..audio import silence
from ..expectations import expect
from ..scripted_call import ScriptedCall


async def response_done_before_its_sound(stage: ScriptedCall) -> None:
    """A turn is complete even if its response is done before its transcript."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "Hello there.")
    await line.send_audio("resp_1", "caller_1", 300)
    await line.send_response_done("resp_1")
    await line.send_transcript_done("resp_1", "caller_1", "Hello there.")
    await stage.page.wait_for_turn("Hello there.")
    await stage.expect_answer(line)
    await stage.hang_up()


async def response_that_was_never_announced(stage: ScriptedCall) -> None:
    """A response without `response.created` is played, and the next one is requested."""
    line = await stage.start_with_greeting()
    await line.send_transcript_delta("resp_1", "caller_1", "Hello there.")
    await line.send_audio("resp_1", "caller_1", 300)
    await line.send_transcript_done("resp_1", "caller_1", "Hello there.")
    await line.send_response_done("resp_1")
    await stage.page.wait_for_turn("Hello there.")
    await stage.expect_answer(line)
    await stage.hang_up()


async def another_response_is_active(stage: ScriptedCall) -> None:
    """When upstream reports an active response, the product asks again once, after that response is done."""
    line = await stage.start_with_greeting()
    asked = line.events_of_type("response.create")[0]
    code = "conversation_already_has_active_response"
    error = {"type": "invalid_request_error", "code": code, "message": "no", "event_id": asked["event_id"]}
    await line.send_event("error", error=error)
    await line.send_response_done("somebody_elses")
    await line.wait_for_event("response.create", 2)
    await line.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(len(line.events_of_type("response.create")) == 2, "it is asked for once more, not more often")
    await stage.hang_up()


async def rate_limit(stage: ScriptedCall) -> None:
    """A response that fails on a rate limit is requested again after a pause."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    error = {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "later"}
    await line.send_response_done("resp_1", "failed", status_details={"type": "failed", "error": error})
    began = time.monotonic()
    await line.wait_for_event("response.create", 2)
    expect(time.monotonic() - began > 0.5, "it waits a moment before it asks again")
    await line.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def rate_limit_told_aside(stage: ScriptedCall) -> None:
    """The call continues unchanged after `rate_limits.updated`."""
    line = await stage.start_with_greeting()
    limits = [{"name": "tokens", "limit": 1, "remaining": 0, "reset_seconds": 60}]
    await line.send_event("rate_limits.updated", rate_limits=limits)
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def cut_off_by_its_length(stage: ScriptedCall) -> None:
    """An incomplete response counts as far as it was heard."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "I wanted to")
    await line.send_audio("resp_1", "caller_1", 400)
    await line.send_response_done(
        "resp_1", "incomplete", status_details={"type": "incomplete", "reason": "max_output_tokens"}
    )
    await stage.page.wait_for_turn("I wanted to")
    await stage.expect_answer(line)
    await stage.hang_up()


async def cut_off_by_a_filter(stage: ScriptedCall) -> None:
    """A response removed by a content filter before it was heard is requested once more."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_response_done(
        "resp_1", "incomplete", status_details={"type": "incomplete", "reason": "content_filter"}
    )
    await line.wait_for_event("response.create", 2)
    await line.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def function_call_for_an_answer(stage: ScriptedCall) -> None:
    """A call to a function that was never offered is answered by one more request for speech."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    call = {"id": "call_1", "type": "function_call", "call_id": "c", "name": "hang_up", "arguments": "{not json"}
    await line.send_event("response.output_item.added", response_id="resp_1", output_index=0, item=call)
    await line.send_event("conversation.item.added", previous_item_id=None, item=call)
    await line.send_response_done("resp_1", output=[call])
    await line.wait_for_event("response.create", 2)
    await line.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await stage.hang_up()


async def text_for_an_answer(stage: ScriptedCall) -> None:
    """A response of text without audio is no turn and is requested once more."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    about = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    await line.send_event("response.output_text.delta", **about, delta="Silent words.")
    await line.send_event("response.output_text.done", **about, text="Silent words.")
    await line.send_response_done("resp_1")
    await line.wait_for_event("response.create", 2)
    await line.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect("Silent words." not in str(await stage.hang_up()), "what nobody heard is no turn")


async def caller_without_a_voice(stage: ScriptedCall) -> None:
    """After two silent responses, the page is told and the call ends as failed, without a turn."""
    line = await stage.start_with_greeting()
    for number in (1, 2):
        await line.wait_for_event("response.create", number)
        await line.send_response_created(f"resp_{number}")
        await line.send_output_item(f"resp_{number}", f"caller_{number}", None)
        await line.send_transcript_delta(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await line.send_audio(f"resp_{number}", f"caller_{number}", 800, silence(800))
        await line.send_transcript_done(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await line.send_response_done(f"resp_{number}")
    await stage.page.wait_for_notice("caller_inaudible")
    await stage.expect_ended("caller_inaudible", "failed")
    expect("Words without a voice." not in str(await stage.transcript()), "what nobody heard is no turn")


async def no_answer_at_all(stage: ScriptedCall) -> None:
    """When upstream accepts a question but never responds, the product reconnects and asks again."""
    line = await stage.start_with_greeting()
    await stage.page.wait_for_notice("caller_reconnecting")
    again = await stage.accept_reconnect()
    await stage.page.wait_for_notice("caller_back")
    await again.wait_for_event("response.create")
    await again.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    expect(line.closed.is_set(), "the dead connection is closed")
    await stage.hang_up()


async def tiny_deltas(stage: ScriptedCall) -> None:
    """Four hundred deltas of 1 ms each reach the page complete, in frames of at least 20 ms."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "Hello.")
    for _ in range(400):
        await line.send_audio("resp_1", "caller_1", 1)
    await line.send_transcript_done("resp_1", "caller_1", "Hello.")
    await line.send_response_done("resp_1")
    await stage.page.wait_for_turn("Hello.")
    sizes = [samples for _, samples in stage.page.frames]
    expect(sum(sizes) == 400 * 24, f"all of it is heard: {sum(sizes)} samples")
    expect(all(size >= 480 for size in sizes[:-1]), f"frames of 20 ms and more: {sizes}")
    await stage.hang_up()


async def huge_delta(stage: ScriptedCall) -> None:
    """A delta of 30 s reaches the page in frames of at most 100 ms, at most 3 s ahead of playback."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "A very long story.")
    await line.send_audio("resp_1", "caller_1", 30_000)
    await line.send_transcript_done("resp_1", "caller_1", "A very long story.")
    await line.send_response_done("resp_1")
    await stage.page.wait_for_sound(800)
    ahead = stage.page.received_samples[1] - stage.page.played_samples[1]
    expect(ahead <= 24 * 3000, f"at most three seconds lie unheard on the page: {ahead // 24} ms")
    expect(max(samples for _, samples in stage.page.frames) <= 2400, "in frames of at most 100 ms")
    await stage.hang_up()


async def sound_that_is_none(stage: ScriptedCall) -> None:
    """Half samples and broken base64 are skipped, and the rest of the response is heard."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "Hello.")
    about = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    for delta in ("!!!not base64!!!", "QQ==", "QUJD", ""):
        await line.send_event("response.output_audio.delta", **about, delta=delta)
    await line.send_audio("resp_1", "caller_1", 300)
    await line.send_transcript_done("resp_1", "caller_1", "Hello.")
    await line.send_response_done("resp_1")
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
