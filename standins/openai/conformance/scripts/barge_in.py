"""Scripts about barge-in: interruptions, backchannels, and audio that arrives too late."""

from ..expectations import expect
from ..scripted_call import ScriptedCall


async def barge_in_stops_the_caller(call: ScriptedCall) -> None:
    """When the counselor interrupts, playback stops, and the item and its turn are truncated to what was heard."""
    connection = await call.start_with_caller_speaking()
    call.page.is_speaking = True
    await connection.send_event(
        "input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=connection.received_audio_ms
    )
    await call.page.wait_for_message("pause")
    await call.page.wait_for_message("flush")
    call.page.is_speaking = False
    truncated = await connection.wait_for_event("conversation.item.truncate")
    heard, cut_at = call.page.played_samples[1] // 24, int(str(truncated["audio_end_ms"]))
    expect(abs(cut_at - heard) <= 1, f"the item is truncated at the {heard} ms that were played, not at {cut_at} ms")
    lines = await call.hang_up()
    _, words, interrupted = lines[1]
    expect(
        interrupted and words and words != "one two three four five six seven eight nine ten",
        f"the caller's turn is interrupted and shortened: {lines}",
    )


async def backchannel_does_not_interrupt(call: ScriptedCall) -> None:
    """A backchannel such as “mm-hm” pauses the caller briefly: nothing is cut and no response is requested."""
    connection = await call.start_with_caller_speaking()
    requested = len(connection.events_of_type("response.create"))
    since = connection.received_audio_ms
    await connection.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await call.speak_for(260)
    await call.page.wait_for_message("resume")
    await connection.send_event(
        "input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=connection.received_audio_ms
    )
    await connection.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await connection.send_user_transcript("user_1", "Mm-hm.")
    await call.page.wait_for_turn("Mm-hm.")
    expect(not call.page.messages_of_type("flush"), "no audio is flushed")
    expect(len(connection.events_of_type("response.create")) == requested, "no response is requested")
    expect(
        not connection.events_of_type("response.cancel")
        and not connection.events_of_type("conversation.item.truncate"),
        "nothing is cancelled or truncated",
    )


async def short_interruption_stops_the_caller(call: ScriptedCall) -> None:
    """A short “Wait!” over the caller's speech stops the caller as soon as its transcript arrives."""
    connection = await call.start_with_caller_speaking()
    await connection.send_event(
        "input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=connection.received_audio_ms
    )
    await call.speak_for(260)
    await call.page.wait_for_message("resume")
    await connection.send_event(
        "input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=connection.received_audio_ms
    )
    await connection.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await connection.send_user_transcript("user_1", "Wait!")
    await call.page.wait_for_message("flush")
    await connection.wait_for_event("response.create", 2)


async def unheard_response_is_deleted(call: ScriptedCall) -> None:
    """A response interrupted before its first sample is deleted upstream, never truncated at zero."""
    connection = await call.start_call()
    # Spoken, because the answer to typed words is not interrupted before it can be heard.
    await connection.send_event(
        "input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=connection.received_audio_ms
    )
    await call.speak_for(600)
    await connection.send_event(
        "input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=connection.received_audio_ms
    )
    await connection.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id=None)
    await connection.send_user_transcript("user_1", "Crisis line, good evening.")
    await connection.wait_for_event("response.create")
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", "user_1")
    await call.page.send_message(type="say", text="One moment.")
    await connection.wait_for_event("response.cancel")
    await connection.send_audio("resp_1", "caller_1", 500)
    await connection.send_transcript_done("resp_1", "caller_1", "Never heard.")
    await connection.send_response_done("resp_1", "cancelled")
    deleted = await connection.wait_for_event("conversation.item.delete")
    expect(deleted["item_id"] == "caller_1", "the unheard item is deleted")
    expect(not connection.events_of_type("conversation.item.truncate"), "the unheard item is not truncated")
    await connection.wait_for_event("response.create", 2)
    lines = await call.hang_up()
    expect("Never heard." not in str(lines), f"the unheard item does not become a turn: {lines}")


async def unheard_second_item_is_deleted(call: ScriptedCall) -> None:
    """When a response of two items is interrupted in the first, the first is truncated and the second deleted."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    for item, previous in (("caller_1", None), ("caller_2", "caller_1")):
        await connection.send_output_item("resp_1", item, previous)
        await connection.send_transcript_delta("resp_1", item, f"Words of {item} and more of them.")
        await connection.send_audio("resp_1", item, 3000)
        await connection.send_transcript_done("resp_1", item, f"Words of {item} and more of them.")
    await connection.send_response_done("resp_1")
    await call.page.wait_for_sound(500)
    await call.page.send_message(type="say", text="Stop, please.")
    truncated = await connection.wait_for_event("conversation.item.truncate")
    deleted = await connection.wait_for_event("conversation.item.delete")
    expect(
        (truncated["item_id"], deleted["item_id"]) == ("caller_1", "caller_2"),
        "the first item is truncated and the second deleted",
    )
    expect("caller_2" not in str(await call.hang_up()), "the unheard item does not become a turn")


async def refused_truncation(call: ScriptedCall) -> None:
    """The call continues after upstream refuses a truncation because the audio is already shorter."""
    connection = await call.start_with_caller_speaking()
    await call.page.send_message(type="say", text="Stop, please.")
    await connection.wait_for_event("conversation.item.truncate")
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "Audio content is already shorter."}
    await connection.send_event("error", error=error)
    await connection.wait_for_event("response.create", 2)
    await connection.send_whole_response("resp_2", "caller_2", None, "Yes?", 200)
    await call.page.wait_for_turn("Yes?")
    await call.hang_up()


async def late_audio_after_a_cancellation(call: ScriptedCall) -> None:
    """Deltas and a transcript that arrive after a cancellation are not played, shown, or saved."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", None)
    await connection.send_transcript_delta("resp_1", "caller_1", "one two three four")
    await connection.send_audio("resp_1", "caller_1", 1500)
    await call.page.wait_for_sound(500)
    await call.page.send_message(type="say", text="Stop, please.")
    await connection.wait_for_event("response.cancel")
    await call.page.wait_for_message("flush")
    frames = len(call.page.frames)
    await connection.send_audio("resp_1", "caller_1", 2000)
    await connection.send_transcript_done("resp_1", "caller_1", "one two three four that nobody ever heard")
    await connection.send_response_done("resp_1", "cancelled")
    await connection.wait_for_event("response.create", 2)
    expect(len(call.page.frames) == frames, "no late audio reaches the page")
    expect("nobody ever heard" not in str(call.page.messages), "no unheard word reaches the page")
    expect("nobody ever heard" not in str(await call.hang_up()), "no unheard word is saved")


async def late_audio_after_the_response(call: ScriptedCall) -> None:
    """Audio that arrives for a finished response changes nothing."""
    connection = await call.start_with_greeting()
    await connection.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    frames = len(call.page.frames)
    await connection.send_audio("resp_1", "caller_1", 500)
    await connection.send_audio("resp_1", "caller_new", 500)
    await call.expect_answer(connection)
    expect(all(item == 2 for item, _ in call.page.frames[frames:]), "only the new response is played")
    await call.hang_up()


SCRIPTS = [
    barge_in_stops_the_caller,
    backchannel_does_not_interrupt,
    short_interruption_stops_the_caller,
    unheard_response_is_deleted,
    unheard_second_item_is_deleted,
    refused_truncation,
    late_audio_after_a_cancellation,
    late_audio_after_the_response,
]
