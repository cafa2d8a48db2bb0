"""Who stops whom, and what of it counts."""

from .expectation import expect
from .stage import Stage


async def real_turn_stops_the_caller(stage: Stage) -> None:
    """The counselor speaks over the caller: playback stops, upstream is cut to what was heard, and so is the turn."""
    line = await stage.speaking()
    stage.page.speaks = True
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=line.heard_ms)
    await stage.page.wait_for("pause")
    await stage.page.wait_for("flush")
    stage.page.speaks = False
    truncated = await line.wait_for("conversation.item.truncate")
    heard, cut_at = stage.page.rendered[1] // 24, int(str(truncated["audio_end_ms"]))
    expect(abs(cut_at - heard) <= 1, f"cut at the {heard} ms that were heard, not at {cut_at}")
    lines = await stage.hang_up()
    _, words, interrupted = lines[1]
    expect(interrupted and words and words != "one two three four five six seven eight nine ten", f"cut short: {lines}")


async def encourager_lets_the_caller_go_on(stage: Stage) -> None:
    """An “mm-hm” halts the caller for a moment at most: it goes on, and nothing is cut or asked for."""
    line = await stage.speaking()
    asked = len(line.of("response.create"))
    since = line.heard_ms
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=since)
    await stage.speak_up(260)
    await stage.page.wait_for("resume")
    await line.say("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=line.heard_ms)
    await line.say("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await line.understood("user_1", "Mm-hm.")
    await stage.page.wait_for_turn("Mm-hm.")
    expect(not stage.page.of("flush"), "nothing is thrown away")
    expect(len(line.of("response.create")) == asked, "no answer is asked for")
    expect(not line.of("response.cancel") and not line.of("conversation.item.truncate"), "nothing is taken back")


async def short_word_that_halts(stage: Stage) -> None:
    """“Wait!” is as short as an “mm-hm” and means the opposite: the caller stops once the word is known."""
    line = await stage.speaking()
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=line.heard_ms)
    await stage.speak_up(260)
    await stage.page.wait_for("resume")
    await line.say("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=line.heard_ms)
    await line.say("input_audio_buffer.committed", item_id="user_1", previous_item_id="caller_1")
    await line.understood("user_1", "Wait!")
    await stage.page.wait_for("flush")
    await line.wait_for("response.create", 2)


async def nothing_was_heard_yet(stage: Stage) -> None:
    """Interrupted before the first sample: upstream is told to delete the item, never to cut it at zero."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await stage.page.say(type="say", text="One moment.")
    await line.wait_for("response.cancel")
    await line.sound("resp_1", "caller_1", 500)
    await line.whole("resp_1", "caller_1", "Never heard.")
    await line.done("resp_1", "cancelled")
    deleted = await line.wait_for("conversation.item.delete")
    expect(deleted["item_id"] == "caller_1", "the unheard item is deleted")
    expect(not line.of("conversation.item.truncate"), "it is not truncated")
    await line.wait_for("response.create", 2)
    lines = await stage.hang_up()
    expect("Never heard." not in str(lines), f"it is no turn: {lines}")


async def second_item_never_heard(stage: Stage) -> None:
    """A response of two items is interrupted in the first: that one is cut, the other deleted."""
    line = await stage.answered()
    await line.begins("resp_1")
    for item, previous in (("caller_1", None), ("caller_2", "caller_1")):
        await line.item("resp_1", item, previous)
        await line.text("resp_1", item, f"Words of {item} and more of them.")
        await line.sound("resp_1", item, 3000)
        await line.whole("resp_1", item, f"Words of {item} and more of them.")
    await line.done("resp_1")
    await stage.page.wait_for_sound(500)
    await stage.page.say(type="say", text="Stop, please.")
    truncated = await line.wait_for("conversation.item.truncate")
    deleted = await line.wait_for("conversation.item.delete")
    expect(
        (truncated["item_id"], deleted["item_id"]) == ("caller_1", "caller_2"), "the first is cut, the second deleted"
    )
    expect("caller_2" not in str(await stage.hang_up()), "what was never heard is no turn")


async def truncation_that_is_refused(stage: Stage) -> None:
    """Upstream refuses to cut: “already shorter”. The call does not care."""
    line = await stage.speaking()
    await stage.page.say(type="say", text="Stop, please.")
    await line.wait_for("conversation.item.truncate")
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "Audio content is already shorter."}
    await line.say("error", error=error)
    await line.wait_for("response.create", 2)
    await line.speaks("resp_2", "caller_2", None, "Yes?", 200)
    await stage.page.wait_for_turn("Yes?")
    await stage.hang_up()


async def stale_sound_after_the_cut(stage: Stage) -> None:
    """Deltas and a whole transcript come after the cancellation: nothing of them is played, shown or kept."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", None)
    await line.text("resp_1", "caller_1", "one two three four")
    await line.sound("resp_1", "caller_1", 1500)
    await stage.page.wait_for_sound(500)
    await stage.page.say(type="say", text="Stop, please.")
    await line.wait_for("response.cancel")
    await stage.page.wait_for("flush")
    frames = len(stage.page.frames)
    await line.sound("resp_1", "caller_1", 2000)
    await line.whole("resp_1", "caller_1", "one two three four that nobody ever heard")
    await line.done("resp_1", "cancelled")
    await line.wait_for("response.create", 2)
    expect(len(stage.page.frames) == frames, "no stale sound reaches the page")
    expect("nobody ever heard" not in str(stage.page.messages), "no unheard word reaches the page")
    expect("nobody ever heard" not in str(await stage.hang_up()), "no unheard word is kept")


async def stale_sound_after_the_end(stage: Stage) -> None:
    """Sound for a response that is over and heard changes nothing."""
    line = await stage.answered()
    await line.speaks("resp_1", "caller_1", None, "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    frames = len(stage.page.frames)
    await line.sound("resp_1", "caller_1", 500)
    await line.sound("resp_1", "caller_new", 500)
    await stage.still_works(line)
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
