"""Connections that break, refuse, hang or grow old."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from .expectation import expect, wait_for
from .stage import Stage
from .upstream import Connection

NOTICE_WITHIN, BACK_WITHIN = 2.0, 5.0  # seconds: the promise


async def comes_back_after(stage: Stage, breaks: Callable[[Connection], Awaitable[None]]) -> None:
    """In the middle of the caller's words the connection is lost: told at once, and soon mended with what was heard."""
    line = await stage.answered()
    await line.begins("resp_1")
    await line.item("resp_1", "caller_1", stage.typed_item(1))
    await line.text("resp_1", "caller_1", "one two three four five six seven eight nine ten")
    await line.sound("resp_1", "caller_1", 4000)
    await stage.page.wait_for_sound(1000)
    lost_at = time.monotonic()
    await breaks(line)
    noticed_at = await stage.page.wait_for_notice("caller_reconnecting")
    expect(noticed_at - lost_at <= NOTICE_WITHIN, f"told within 2 s, not after {noticed_at - lost_at:.1f} s")
    again = await stage.back_again()
    back_at = await stage.page.wait_for_notice("caller_back")
    expect(back_at - lost_at <= BACK_WITHIN, f"back within 5 s, not after {back_at - lost_at:.1f} s")
    await expect_told_again(stage, line, again)
    await again.wait_for("response.create")
    await again.speaks("resp_2", "caller_2", None, "Sorry, where was I?", 200)
    await stage.page.wait_for_turn("Sorry, where was I?")
    lines = await stage.hang_up()
    expect([role for role, _, _ in lines] == ["counselor", "caller", "caller"], f"nothing is lost or doubled: {lines}")
    expect(lines[1][2] and "ten" not in lines[1][1], f"what was not heard does not count: {lines[1]}")


async def expect_told_again(stage: Stage, line: Connection, again: Connection) -> None:
    """Instructions and voice as before, and what was heard, in order, by the same speakers; no more than that."""
    before, after = line.of("session.update")[0]["session"], again.of("session.update")[0]["session"]
    expect(before == after, "the new connection has the same instructions and voice")
    items = [event["item"] for event in again.of("conversation.item.create")]
    told = [(item["role"], item["content"][0]["text"]) for item in items]  # type: ignore[index,call-overload]
    expect([role for role, _ in told] == ["user", "assistant"], f"both speakers, in order: {told}")
    expect(told[0][1] == "Crisis line, good evening.", f"the counselor's words: {told}")
    expect(str(told[1][1]) and "ten" not in str(told[1][1]), f"only what was heard of the caller: {told}")


async def dropped_without_a_word(stage: Stage) -> None:
    """TCP breaks in mid-word."""

    async def breaks(line: Connection) -> None:
        line.cut()

    await comes_back_after(stage, breaks)


async def closed_1011(stage: Stage) -> None:
    """Upstream has an internal error and closes."""
    await comes_back_after(stage, lambda line: line.close(1011))


async def closed_1000(stage: Stage) -> None:
    """Upstream closes as if all were well; a call is not over by that."""
    await comes_back_after(stage, lambda line: line.close(1000))


async def expired_in_mid_word(stage: Stage) -> None:
    """The sixty minutes are over: an error without a warning, and a close that looks normal."""

    async def breaks(line: Connection) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        await line.say("error", error={"type": "invalid_request_error", "code": "session_expired", "message": message})
        await line.close(1001)

    await comes_back_after(stage, breaks)


async def half_closed(stage: Stage) -> None:
    """Upstream neither reads nor speaks any more, and the socket stays open."""

    async def breaks(line: Connection) -> None:
        line.is_deaf = True

    await comes_back_after_silence(stage, breaks)


async def comes_back_after_silence(stage: Stage, breaks: Callable[[Connection], Awaitable[None]]) -> None:
    line = await stage.answered()
    await line.speaks("resp_1", "caller_1", stage.typed_item(1), "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await breaks(line)
    await stage.page.say(type="say", text="Are you there?")
    await stage.page.wait_for_notice("caller_reconnecting")
    again = await stage.back_again()
    await again.wait_for("response.create")
    items = [event["item"] for event in again.of("conversation.item.create")]
    told = [item["content"][0]["text"] for item in items]  # type: ignore[index,call-overload]
    expect(told == ["Crisis line, good evening.", "Hello.", "Are you there?"], f"all of it is told again: {told}")
    await again.speaks("resp_2", "caller_2", None, "Yes.", 200)
    await stage.page.wait_for_turn("Yes.")
    await stage.hang_up()


async def words_under_way_are_said_again(stage: Stage) -> None:
    """The connection breaks while the counselor speaks: what was said until then is said to the next one."""
    line = await stage.begin()
    stage.page.speaks = True
    await stage.page.microphone(300)
    await line.say("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=50)
    await stage.page.microphone(900)
    line.cut()
    again = await stage.back_again()
    await wait_for(lambda: again.heard_ms > 900, "the sound of before is sent again")
    stage.page.speaks = False
    await again.hears("user_2", None, 0, "A long question.")
    await stage.page.wait_for_turn("A long question.")
    await again.wait_for("response.create")
    stage.expect_lines(await stage.hang_up(), ("counselor", "A long question."))


async def refused_429_at_first(stage: Stage) -> None:
    """The first handshake is refused for the rate limit, the next is not: told within 2 s, and the call begins."""
    stage.upstream.refusals = [429]
    began = time.monotonic()
    await stage.dial()
    noticed_at = await stage.page.wait_for_notice("caller_reconnecting")
    expect(noticed_at - began < NOTICE_WITHIN + 1, "told within 2 s")
    stage.line = line = await stage.upstream.connection(1)
    await line.greet()
    await stage.page.wait_for("ready")
    await stage.still_works(line)
    await stage.hang_up()


async def never_there(stage: Stage) -> None:
    """OpenAI answers 503 for good: three more tries, then the call fails with a reason."""
    stage.upstream.refuses_all_with = 503
    await stage.dial()
    await stage.ended_as("caller_lost", "failed")
    tries = len(stage.upstream.refused_at)
    expect(tries == 4, f"the first try and three more, not {tries}")
    expect(stage.page.notices() == ["caller_reconnecting", "caller_lost"], f"the page is told: {stage.page.notices()}")


async def handshake_that_hangs(stage: Stage) -> None:
    """A handshake that is never answered is given up for another one."""
    stage.upstream.refusals = [None]
    await stage.dial()
    stage.line = line = await stage.upstream.connection(1, seconds=9)
    await line.greet()
    await stage.page.wait_for("ready")
    await stage.still_works(line)
    await stage.hang_up()


async def session_that_is_never_confirmed(stage: Stage) -> None:
    """Upstream takes the session and says nothing: it is called again."""
    await stage.dial()
    silent = await stage.upstream.connection(1)
    await silent.wait_for("session.update")
    await stage.page.wait_for_notice("caller_reconnecting", seconds=8)
    again = await stage.back_again()
    await stage.page.wait_for("ready")
    await stage.still_works(again)
    await stage.hang_up()


async def quota_is_used_up(stage: Stage) -> None:
    """Trying again cannot help: ended at once, and nothing about money is told to the counselor."""
    line = await stage.answered()
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota."}
    await line.begins("resp_1")
    await line.done("resp_1", "failed", status_details={"type": "failed", "error": error})
    await stage.ended_as("caller_lost", "failed")
    expect(len(stage.upstream.connections) == 1, "it is not tried again")
    expect("quota" not in str(stage.page.messages), "the page is not told why")


async def key_is_wrong(stage: Stage) -> None:
    """A wrong key is let in, told so, and put out again: ended at once, the key's fate is not the counselor's."""
    await stage.dial()
    line = await stage.upstream.connection(1)
    error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": "Incorrect API key: sk-conf"}
    await line.say("error", error=error)
    await line.close(3000)
    await stage.ended_as("caller_lost", "failed")
    expect(len(stage.upstream.connections) == 1, "it is not tried again")
    expect("key" not in str(stage.page.messages), "the page is not told why")


async def answers_fail_again_and_again(stage: Stage) -> None:
    """Response after response fails: in the end a new connection is tried, and it helps."""
    line = await stage.answered()
    for number in (1, 2, 3):
        await line.wait_for("response.create", number)
        await line.begins(f"resp_{number}")
        error = {"type": "server_error", "code": "server_error", "message": "sorry"}
        await line.done(f"resp_{number}", "failed", status_details={"type": "failed", "error": error})
    again = await stage.back_again()
    await again.wait_for("response.create")
    await again.speaks("resp_9", "caller_9", None, "At last.", 200)
    await stage.page.wait_for_turn("At last.")
    await stage.hang_up()


async def replaced_before_it_expires(stage: Stage) -> None:
    """A session says when it will end: it is replaced before that, in a quiet moment, and nobody notices."""
    line = await stage.begin(expires_in=301)
    await stage.page.say(type="say", text="Crisis line, good evening.")
    await line.wait_for("response.create")
    await line.speaks("resp_1", "caller_1", stage.typed_item(1), "Hello.", 1800)
    again = await stage.upstream.connection(2)
    await stage.page.wait_for_turn("Hello.")
    stage.line = again
    await again.greet()
    items = [event["item"] for event in again.of("conversation.item.create")]
    told = [item["content"][0]["text"] for item in items]  # type: ignore[index,call-overload]
    expect(told == ["Crisis line, good evening.", "Hello."], f"the new one knows all of it: {told}")
    await wait_for(line.over.is_set, "the old connection is closed")
    await stage.still_works(again)
    expect(not stage.page.notices(), f"nobody notices: {stage.page.notices()}")
    await stage.hang_up()


async def nobody_speaks(stage: Stage) -> None:
    """A call in which nobody says anything is warned of, and then ended with its reason."""
    await stage.begin()
    await stage.page.wait_for_notice("idle_warning", seconds=9)
    await stage.ended_as("idle", "completed", seconds=6)


async def page_that_sends_no_sound_any_more(stage: Stage) -> None:
    """The microphone's frames stop while the socket stays: the line is let go, and the call stays open for a while."""
    line = await stage.begin()
    await stage.page.microphone(300)
    stage.page.tasks[1].cancel()
    ended = await stage.page.wait_for("ended", seconds=9)
    expect(ended["reason"] == "line_lost", f"the line is lost, not {ended['reason']}")
    await wait_for(line.over.is_set, "the connection to OpenAI is closed: it costs money")
    expect((await stage.stored())["status"] == "active", "the session waits for the page to come back")
    await asyncio.sleep(0)


SCRIPTS = [
    dropped_without_a_word,
    closed_1011,
    closed_1000,
    expired_in_mid_word,
    half_closed,
    words_under_way_are_said_again,
    refused_429_at_first,
    never_there,
    handshake_that_hangs,
    session_that_is_never_confirmed,
    quota_is_used_up,
    key_is_wrong,
    answers_fail_again_and_again,
    replaced_before_it_expires,
    nobody_speaks,
    page_that_sends_no_sound_any_more,
]
