"""Scripts about barge-in: interruptions, backchannels, and audio that arrives too late."""

from ..expectations import expect
from ..scripted_call import ScriptedCall


async def real_turn_stops_the_caller(stage: ScriptedCall) -> None:
    """When the counselor interrupts, playback stops, and upstream and the turn are cut to what was heard."""
    line = await stage.start_with_caller_speaking()
    stage.page.is_speaking = True
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=line.received_audio_ms)
    await stage.page.wait_for_message("pause")
    await stage.page.wait_for_message("flush")
    stage.page.is_speaking = False
    truncated = await line.wait_for_event("conversation.item.truncate")
    heard, cut_at = stage.page.played_samples[1] // 24, int(str(truncated["audio_end_ms"]))
    expect(abs(cut_at - heard) <= 1, f"cut at the {heard} ms that were heard, not at {cut_at}")
    lines = await stage.hang_up()
    _, words, interrupted = lines[1]
    expect(interrupted and words and words != "one two three four five six seven eight nine ten", f"cut short: {lines}")


async def encourager_lets_the_caller_go_on(stage: ScriptedCall) -> None:
    """A backchannel such as “mm-hm” pauses the caller briefly: nothing is cut and no response is requested."""
    line = await stage.start_with_caller_speaking()
    asked = len(line.events_of_type("response.create"))
    since = line.received_audio_ms
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await stage.speak_for(260)
    await stage.page.wait_for_message("resume")
    await line.send_event("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=line.received_audio_ms)
    await line.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await line.send_user_transcript("user_1", "Mm-hm.")
    await stage.page.wait_for_turn("Mm-hm.")
    expect(not stage.page.messages_of_type("flush"), "nothing is thrown away")
    expect(len(line.events_of_type("response.create")) == asked, "no answer is asked for")
    expect(
        not line.events_of_type("response.cancel") and not line.events_of_type("conversation.item.truncate"),
        "nothing is taken back",
    )


async def short_word_that_halts(stage: ScriptedCall) -> None:
    """A short “Wait!” over the caller's speech stops the caller as soon as its transcript arrives."""
    line = await stage.start_with_caller_speaking()
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=line.received_audio_ms)
    await stage.speak_for(260)
    await stage.page.wait_for_message("resume")
    await line.send_event("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=line.received_audio_ms)
    await line.send_event("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await line.send_user_transcript("user_1", "Wait!")
    await stage.page.wait_for_message("flush")
    await line.wait_for_event("response.create", 2)


async def nothing_was_heard_yet(stage: ScriptedCall) -> None:
    """A response interrupted before its first sample is deleted upstream, never truncated at zero."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await stage.page.send_message(type="say", text="One moment.")
    await line.wait_for_event("response.cancel")
    await line.send_audio("resp_1", "caller_1", 500)
    await line.send_transcript_done("resp_1", "caller_1", "Never heard.")
    await line.send_response_done("resp_1", "cancelled")
    deleted = await line.wait_for_event("conversation.item.delete")
    expect(deleted["item_id"] == "caller_1", "the unheard item is deleted")
    expect(not line.events_of_type("conversation.item.truncate"), "it is not truncated")
    await line.wait_for_event("response.create", 2)
    lines = await stage.hang_up()
    expect("Never heard." not in str(lines), f"it does not become a turn: {lines}")


async def second_item_never_heard(stage: ScriptedCall) -> None:
    """When a response of two items is interrupted in the first, the first is truncated and the second deleted."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    for item, previous in (("caller_1", None), ("caller_2", "caller_1")):
        await line.send_output_item("resp_1", item, previous)
        await line.send_transcript_delta("resp_1", item, f"Words of {item} and more of them.")
        await line.send_audio("resp_1", item, 3000)
        await line.send_transcript_done("resp_1", item, f"Words of {item} and more of them.")
    await line.send_response_done("resp_1")
    await stage.page.wait_for_sound(500)
    await stage.page.send_message(type="say", text="Stop, please.")
    truncated = await line.wait_for_event("conversation.item.truncate")
    deleted = await line.wait_for_event("conversation.item.delete")
    expect(
        (truncated["item_id"], deleted["item_id"]) == ("caller_1", "caller_2"), "the first is cut, the second deleted"
    )
    expect("caller_2" not in str(await stage.hang_up()), "what was never heard is no turn")


async def truncation_that_is_refused(stage: ScriptedCall) -> None:
    """The call continues after upstream refuses a truncation because the audio is already shorter."""
    line = await stage.start_with_caller_speaking()
    await stage.page.send_message(type="say", text="Stop, please.")
    await line.wait_for_event("conversation.item.truncate")
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "Audio content is already shorter."}
    await line.send_event("error", error=error)
    await line.wait_for_event("response.create", 2)
    await line.send_whole_response("resp_2", "caller_2", None, "Yes?", 200)
    await stage.page.wait_for_turn("Yes?")
    await stage.hang_up()


async def stale_sound_after_the_cut(stage: ScriptedCall) -> None:
    """Deltas and a transcript that arrive after a cancellation are not played, shown, or saved."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", None)
    await line.send_transcript_delta("resp_1", "caller_1", "one two three four")
    await line.send_audio("resp_1", "caller_1", 1500)
    await stage.page.wait_for_sound(500)
    await stage.page.send_message(type="say", text="Stop, please.")
    await line.wait_for_event("response.cancel")
    await stage.page.wait_for_message("flush")
    frames = len(stage.page.frames)
    await line.send_audio("resp_1", "caller_1", 2000)
    await line.send_transcript_done("resp_1", "caller_1", "one two three four that nobody ever heard")
    await line.send_response_done("resp_1", "cancelled")
    await line.wait_for_event("response.create", 2)
    expect(len(stage.page.frames) == frames, "no stale sound reaches the page")
    expect("nobody ever heard" not in str(stage.page.messages), "no unheard word reaches the page")
    expect("nobody ever heard" not in str(await stage.hang_up()), "no unheard word is kept")


async def stale_sound_after_the_end(stage: ScriptedCall) -> None:
    """Audio that arrives for a finished response changes nothing."""
    line = await stage.start_with_greeting()
    await line.send_whole_response("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    frames = len(stage.page.frames)
    await line.send_audio("resp_1", "caller_1", 500)
    await line.send_audio("resp_1", "caller_new", 500)
    await stage.expect_answer(line)
    expect(all(item == 2 for item, _ in stage.page.frames[frames:]), "only the new answer is heard")
    await stage.hang_up()


SCRIPTS = [
    real_turn_stops_the_caller,
    encourager_lets_the_caller_go_on,
    short_word_that_halts,
    nothing_was_heard_yet,
    second_item_never_heard,
    truncation_that_is_refused,
    stale_sound_after_the_cut,
    stale_sound_after_the_end,
]
