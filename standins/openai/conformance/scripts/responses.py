"""Scripts about responses: order, failures, silence, and unusual audio."""

import time

from ..audio import silence
from ..expectations import expect
from ..scripted_call import ScriptedCall


async def response_done_before_its_transcript(call: ScriptedCall) -> None:
    """A turn is complete even if its response is done before its transcript."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "Hello there.")
    await connection.send_audio("resp_1", "caller_1", 300)
    await connection.send_response_done("resp_1")
    await connection.send_transcript_done("resp_1", "caller_1", "Hello there.")
    await call.page.wait_for_turn("Hello there.")
    await call.expect_answer(connection)
    await call.hang_up()


async def unannounced_response(call: ScriptedCall) -> None:
    """A response without `response.created` is played, and the next one is requested."""
    connection = await call.start_with_greeting()
    await connection.send_transcript_delta("resp_1", "caller_1", "Hello there.")
    await connection.send_audio("resp_1", "caller_1", 300)
    await connection.send_transcript_done("resp_1", "caller_1", "Hello there.")
    await connection.send_response_done("resp_1")
    await call.page.wait_for_turn("Hello there.")
    await call.expect_answer(connection)
    await call.hang_up()


async def another_response_is_active(call: ScriptedCall) -> None:
    """When upstream reports an active response, the product asks again once, after that response is done."""
    connection = await call.start_with_greeting()
    request = connection.events_of_type("response.create")[0]
    code = "conversation_already_has_active_response"
    error = {"type": "invalid_request_error", "code": code, "message": "no", "event_id": request["event_id"]}
    await connection.send_event("error", error=error)
    await connection.send_response_done("somebody_elses")
    await connection.wait_for_event("response.create", 2)
    await connection.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    expect(len(connection.events_of_type("response.create")) == 2, "the response is requested exactly once more")
    await call.hang_up()


async def rate_limited_response(call: ScriptedCall) -> None:
    """A response that fails on a rate limit is requested again after a pause."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    error = {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "later"}
    await connection.send_response_done("resp_1", "failed", status_details={"type": "failed", "error": error})
    began = time.monotonic()
    await connection.wait_for_event("response.create", 2)
    expect(time.monotonic() - began > 0.5, "the product pauses before it requests another response")
    await connection.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def rate_limits_updated(call: ScriptedCall) -> None:
    """The call continues unchanged after `rate_limits.updated`."""
    connection = await call.start_with_greeting()
    limits = [{"name": "tokens", "limit": 1, "remaining": 0, "reset_seconds": 60}]
    await connection.send_event("rate_limits.updated", rate_limits=limits)
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def response_over_the_token_limit(call: ScriptedCall) -> None:
    """An incomplete response becomes a turn with the words that were heard."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "I wanted to")
    await connection.send_audio("resp_1", "caller_1", 400)
    await connection.send_response_done(
        "resp_1", "incomplete", status_details={"type": "incomplete", "reason": "max_output_tokens"}
    )
    await call.page.wait_for_turn("I wanted to")
    await call.expect_answer(connection)
    await call.hang_up()


async def response_removed_by_a_filter(call: ScriptedCall) -> None:
    """A response removed by a content filter before it was heard is requested once more."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_response_done(
        "resp_1", "incomplete", status_details={"type": "incomplete", "reason": "content_filter"}
    )
    await connection.wait_for_event("response.create", 2)
    await connection.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def function_call_instead_of_speech(call: ScriptedCall) -> None:
    """If the model calls a function that was never offered, the product requests one more response."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    function_call = {
        "id": "call_1",
        "type": "function_call",
        "call_id": "c",
        "name": "hang_up",
        "arguments": "{not json",
    }
    await connection.send_event("response.output_item.added", response_id="resp_1", output_index=0, item=function_call)
    await connection.send_event("conversation.item.added", previous_item_id=None, item=function_call)
    await connection.send_response_done("resp_1", output=[function_call])
    await connection.wait_for_event("response.create", 2)
    await connection.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


async def text_instead_of_audio(call: ScriptedCall) -> None:
    """A response without audio does not become a turn, and the product requests one more."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    position = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    await connection.send_event("response.output_text.delta", **position, delta="Silent words.")
    await connection.send_event("response.output_text.done", **position, text="Silent words.")
    await connection.send_response_done("resp_1")
    await connection.wait_for_event("response.create", 2)
    await connection.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    expect("Silent words." not in str(await call.hang_up()), "words without audio do not become a turn")


async def silent_audio(call: ScriptedCall) -> None:
    """After two silent responses, the page gets a notice and the call ends as failed, without a turn."""
    connection = await call.start_with_greeting()
    for number in (1, 2):
        await connection.wait_for_event("response.create", number)
        await connection.send_response_created(f"resp_{number}")
        await connection.send_output_item(f"resp_{number}", f"caller_{number}", None)
        await connection.send_transcript_delta(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await connection.send_audio(f"resp_{number}", f"caller_{number}", 800, silence(800))
        await connection.send_transcript_done(f"resp_{number}", f"caller_{number}", "Words without a voice.")
        await connection.send_response_done(f"resp_{number}")
    await call.page.wait_for_notice("caller_inaudible")
    await call.expect_ended("caller_inaudible", "failed")
    expect("Words without a voice." not in str(await call.transcript()), "words without audio do not become a turn")


async def missing_response(call: ScriptedCall) -> None:
    """When upstream accepts a question but never responds, the product reconnects and asks again."""
    connection = await call.start_with_greeting()
    await call.page.wait_for_notice("caller_reconnecting")
    second = await call.accept_reconnect()
    await call.page.wait_for_notice("caller_back")
    await second.wait_for_event("response.create")
    await second.send_whole_response("resp_2", "caller_2", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    expect(connection.closed.is_set(), "the dead connection is closed")
    await call.hang_up()


async def tiny_deltas(call: ScriptedCall) -> None:
    """Four hundred deltas of 1 ms each reach the page complete, in frames of at least 20 ms."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "Hello.")
    for _ in range(400):
        await connection.send_audio("resp_1", "caller_1", 1)
    await connection.send_transcript_done("resp_1", "caller_1", "Hello.")
    await connection.send_response_done("resp_1")
    await call.page.wait_for_turn("Hello.")
    sizes = [samples for _, samples in call.page.frames]
    expect(sum(sizes) == 400 * 24, f"all samples reach the page, not {sum(sizes)}")
    expect(all(size >= 480 for size in sizes[:-1]), f"every frame except the last holds at least 20 ms: {sizes}")
    await call.hang_up()


async def huge_delta(call: ScriptedCall) -> None:
    """A delta of 30 s reaches the page in frames of at most 100 ms, at most 3 s ahead of playback."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "A very long story.")
    await connection.send_audio("resp_1", "caller_1", 30_000)
    await connection.send_transcript_done("resp_1", "caller_1", "A very long story.")
    await connection.send_response_done("resp_1")
    await call.page.wait_for_sound(800)
    ahead = call.page.received_samples[1] - call.page.played_samples[1]
    expect(ahead <= 24 * 3000, f"at most 3 s of audio are buffered on the page, not {ahead // 24} ms")
    expect(max(samples for _, samples in call.page.frames) <= 2400, "no frame is longer than 100 ms")
    await call.hang_up()


async def invalid_audio(call: ScriptedCall) -> None:
    """Half samples and broken base64 are skipped, and the rest of the response is heard."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "Hello.")
    position = {"response_id": "resp_1", "item_id": "caller_1", "output_index": 0, "content_index": 0}
    for delta in ("!!!not base64!!!", "QQ==", "QUJD", ""):
        await connection.send_event("response.output_audio.delta", **position, delta=delta)
    await connection.send_audio("resp_1", "caller_1", 300)
    await connection.send_transcript_done("resp_1", "caller_1", "Hello.")
    await connection.send_response_done("resp_1")
    await call.page.wait_for_turn("Hello.")
    await call.hang_up()


SCRIPTS = [
    response_done_before_its_transcript,
    unannounced_response,
    another_response_is_active,
    rate_limited_response,
    rate_limits_updated,
    response_over_the_token_limit,
    response_removed_by_a_filter,
    function_call_instead_of_speech,
    text_instead_of_audio,
    silent_audio,
    missing_response,
    tiny_deltas,
    huge_delta,
    invalid_audio,
]
