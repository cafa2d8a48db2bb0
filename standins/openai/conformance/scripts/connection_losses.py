"""Scripts about connections that drop, are refused, hang, or expire."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ..expectations import expect, wait_for
from ..scripted_call import ScriptedCall
from ..scripted_openai import ScriptedConnection

NOTICE_DEADLINE, RECOVERY_DEADLINE = 2.0, 5.0  # seconds, as the product promises


async def expect_recovery(stage: ScriptedCall, breaks: Callable[[ScriptedConnection], Awaitable[None]]) -> None:
    """Break the connection while the caller speaks, and check the notice, the reconnection, and the transcript."""
    line = await stage.start_with_greeting()
    await line.send_response_created("resp_1")
    await line.send_output_item("resp_1", "caller_1", stage.typed_item_id(1))
    await line.send_transcript_delta("resp_1", "caller_1", "one two three four five six seven eight nine ten")
    await line.send_audio("resp_1", "caller_1", 4000)
    await stage.page.wait_for_sound(1000)
    lost_at = time.monotonic()
    await breaks(line)
    noticed_at = await stage.page.wait_for_notice("caller_reconnecting")
    expect(
        noticed_at - lost_at <= NOTICE_DEADLINE, f"the page is told within 2 s, not after {noticed_at - lost_at:.1f} s"
    )
    again = await stage.accept_reconnect()
    back_at = await stage.page.wait_for_notice("caller_back")
    expect(back_at - lost_at <= RECOVERY_DEADLINE, f"back within 5 s, not after {back_at - lost_at:.1f} s")
    await expect_history_replayed(stage, line, again)
    await again.wait_for_event("response.create")
    await again.send_whole_response("resp_2", "caller_2", None, "Sorry, where was I?", 200)
    await stage.page.wait_for_turn("Sorry, where was I?")
    lines = await stage.hang_up()
    expect([role for role, _, _ in lines] == ["counselor", "caller", "caller"], f"nothing is lost or doubled: {lines}")
    expect(lines[1][2] and "ten" not in lines[1][1], f"what was not heard does not count: {lines[1]}")


async def expect_history_replayed(stage: ScriptedCall, line: ScriptedConnection, again: ScriptedConnection) -> None:
    """Check that the new connection gets the same instructions and voice, and exactly the history that was heard."""
    before, after = (
        line.events_of_type("session.update")[0]["session"],
        again.events_of_type("session.update")[0]["session"],
    )
    expect(before == after, "the new connection has the same instructions and voice")
    told = await again.wait_for_history(2)
    expect([role for role, _ in told] == ["user", "assistant"], f"both speakers, in order: {told}")
    expect(told[0][1] == "Crisis line, good evening.", f"the counselor's words: {told}")
    expect(told[1][1] and "ten" not in told[1][1], f"only what was heard of the caller: {told}")


async def dropped_without_a_word(stage: ScriptedCall) -> None:
    """The call recovers after the TCP connection breaks while the caller speaks."""

    async def breaks(line: ScriptedConnection) -> None:
        line.abort()

    await expect_recovery(stage, breaks)


async def closed_1011(stage: ScriptedCall) -> None:
    """The call recovers after upstream closes with an internal error."""
    await expect_recovery(stage, lambda line: line.close(1011))


async def closed_1000(stage: ScriptedCall) -> None:
    """The call recovers after upstream closes with the normal code 1000."""
    await expect_recovery(stage, lambda line: line.close(1000))


async def expired_in_mid_word(stage: ScriptedCall) -> None:
    """The call recovers when a session reaches 60 minutes: an error without warning, then a close that looks normal."""

    async def breaks(line: ScriptedConnection) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        await line.send_event(
            "error", error={"type": "invalid_request_error", "code": "session_expired", "message": message}
        )
        await line.close(1001)

    await expect_recovery(stage, breaks)


async def half_closed(stage: ScriptedCall) -> None:
    """The call recovers when upstream stops reading and sending but leaves the socket open."""

    async def breaks(line: ScriptedConnection) -> None:
        line.is_unresponsive = True

    await expect_recovery_from_silence(stage, breaks)


async def expect_recovery_from_silence(
    stage: ScriptedCall, breaks: Callable[[ScriptedConnection], Awaitable[None]]
) -> None:
    line = await stage.start_with_greeting()
    await line.send_whole_response("resp_1", "caller_1", stage.typed_item_id(1), "Hello.", 200)
    await stage.page.wait_for_turn("Hello.")
    await breaks(line)
    await stage.page.send_message(type="say", text="Are you there?")
    await stage.page.wait_for_notice("caller_reconnecting")
    again = await stage.accept_reconnect()
    await again.wait_for_event("response.create")
    told = [text for _, text in await again.wait_for_history(3)]
    expect(told == ["Crisis line, good evening.", "Hello.", "Are you there?"], f"all of it is told again: {told}")
    await again.send_whole_response("resp_2", "caller_2", None, "Yes.", 200)
    await stage.page.wait_for_turn("Yes.")
    await stage.hang_up()


async def words_under_way_are_said_again(stage: ScriptedCall) -> None:
    """Speech cut off by a lost connection is sent again to the next one."""
    line = await stage.start_call()
    stage.page.is_speaking = True
    await stage.page.wait_for_microphone(300)
    await line.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=50)
    await stage.page.wait_for_microphone(900)
    line.abort()
    again = await stage.accept_reconnect()
    await wait_for(lambda: again.received_audio_ms > 900, "the sound of before is sent again")
    stage.page.is_speaking = False
    await again.send_user_speech("user_2", None, 0, "A long question.")
    await stage.page.wait_for_turn("A long question.")
    await again.wait_for_event("response.create")
    stage.expect_transcript(await stage.hang_up(), ("counselor", "A long question."))


async def refused_429_at_first(stage: ScriptedCall) -> None:
    """When the first handshake is rate limited, the page is told within 2 s and the second attempt starts the call."""
    stage.upstream.handshake_refusals = [429]
    began = time.monotonic()
    await stage.open_call()
    noticed_at = await stage.page.wait_for_notice("caller_reconnecting")
    expect(noticed_at - began < NOTICE_DEADLINE + 1, "the page is told within 2 s")
    stage.connection = line = await stage.upstream.wait_for_connection(1)
    await line.confirm_session()
    await stage.page.wait_for_message("ready")
    await stage.expect_answer(line)
    await stage.hang_up()


async def never_there(stage: ScriptedCall) -> None:
    """When OpenAI keeps answering 503, the call makes three more attempts and then fails with a reason."""
    stage.upstream.refusal_for_all = 503
    await stage.open_call()
    await stage.expect_ended("caller_lost", "failed")
    tries = len(stage.upstream.refused_at)
    expect(tries == 4, f"the first try and three more, not {tries}")
    expect(stage.page.notices() == ["caller_reconnecting", "caller_lost"], f"the page is told: {stage.page.notices()}")


async def handshake_that_hangs(stage: ScriptedCall) -> None:
    """A handshake that gets no answer is abandoned for a new one."""
    stage.upstream.handshake_refusals = [None]
    await stage.open_call()
    stage.connection = line = await stage.upstream.wait_for_connection(1, seconds=9)
    await line.confirm_session()
    await stage.page.wait_for_message("ready")
    await stage.expect_answer(line)
    await stage.hang_up()


async def session_that_is_never_confirmed(stage: ScriptedCall) -> None:
    """The product reconnects when upstream accepts a session but never confirms it."""
    await stage.open_call()
    silent = await stage.upstream.wait_for_connection(1)
    await silent.wait_for_event("session.update")
    await stage.page.wait_for_notice("caller_reconnecting", seconds=8)
    again = await stage.accept_reconnect()
    await stage.page.wait_for_message("ready")
    await stage.expect_answer(again)
    await stage.hang_up()


async def quota_is_used_up(stage: ScriptedCall) -> None:
    """An exhausted quota ends the call at once without another attempt, and the counselor is not told the cause."""
    line = await stage.start_with_greeting()
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota."}
    await line.send_response_created("resp_1")
    await line.send_response_done("resp_1", "failed", status_details={"type": "failed", "error": error})
    await stage.expect_ended("caller_lost", "failed")
    expect(len(stage.upstream.connections) == 1, "it is not tried again")
    expect("quota" not in str(stage.page.messages), "the page is not told why")


async def key_is_wrong(stage: ScriptedCall) -> None:
    """A rejected API key ends the call at once, and the page is not told about the key."""
    await stage.open_call()
    line = await stage.upstream.wait_for_connection(1)
    error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": "Incorrect API key: sk-conf"}
    await line.send_event("error", error=error)
    await line.close(3000)
    await stage.expect_ended("caller_lost", "failed")
    expect(len(stage.upstream.connections) == 1, "it is not tried again")
    expect("key" not in str(stage.page.messages), "the page is not told why")


async def answers_fail_again_and_again(stage: ScriptedCall) -> None:
    """After repeated failed responses, the product opens a new connection, and the call continues."""
    line = await stage.start_with_greeting()
    for number in (1, 2, 3):
        await line.wait_for_event("response.create", number)
        await line.send_response_created(f"resp_{number}")
        error = {"type": "server_error", "code": "server_error", "message": "sorry"}
        await line.send_response_done(f"resp_{number}", "failed", status_details={"type": "failed", "error": error})
    again = await stage.accept_reconnect()
    await again.wait_for_event("response.create")
    await again.send_whole_response("resp_9", "caller_9", None, "At last.", 200)
    await stage.page.wait_for_turn("At last.")
    await stage.hang_up()


async def replaced_before_it_expires(stage: ScriptedCall) -> None:
    """A session that announces its end is replaced before then, in a quiet moment, without a notice."""
    line = await stage.start_call(expires_in=301)
    await stage.page.send_message(type="say", text="Crisis line, good evening.")
    await line.wait_for_event("response.create")
    await line.send_whole_response("resp_1", "caller_1", stage.typed_item_id(1), "Hello.", 1800)
    again = await stage.upstream.wait_for_connection(2)
    await stage.page.wait_for_turn("Hello.")
    stage.connection = again
    await again.confirm_session()
    told = [text for _, text in await again.wait_for_history(2)]
    expect(told == ["Crisis line, good evening.", "Hello."], f"the new one knows all of it: {told}")
    await wait_for(line.closed.is_set, "the old connection is closed")
    await stage.expect_answer(again)
    expect(not stage.page.notices(), f"nobody notices: {stage.page.notices()}")
    await stage.hang_up()


async def nobody_speaks(stage: ScriptedCall) -> None:
    """A call in which no one speaks gets a warning and then ends as idle."""
    await stage.start_call()
    await stage.page.wait_for_notice("idle_warning", seconds=9)
    await stage.expect_ended("idle", "completed", seconds=6)


async def page_that_sends_no_sound_any_more(stage: ScriptedCall) -> None:
    """When microphone frames stop on an open socket, OpenAI is disconnected and the session stays active."""
    line = await stage.start_call()
    await stage.page.wait_for_microphone(300)
    stage.page.tasks[1].cancel()
    ended = await stage.page.wait_for_message("ended", seconds=9)
    expect(ended["reason"] == "line_lost", f"the line is lost, not {ended['reason']}")
    await wait_for(line.closed.is_set, "the connection to OpenAI is closed: it costs money")
    expect((await stage.fetch_session())["status"] == "active", "the session waits for the page to come back")
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
