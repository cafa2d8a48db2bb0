"""Scripts about connections that drop, are refused, hang, or expire."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from ..expectations import expect, wait_for
from ..scripted_call import ScriptedCall
from ..scripted_openai import ScriptedConnection

NOTICE_DEADLINE, RECOVERY_DEADLINE = 2.0, 5.0  # seconds, as documented


async def expect_recovery(
    call: ScriptedCall, break_connection: Callable[[ScriptedConnection], Awaitable[None]]
) -> None:
    """Break the connection while the caller speaks, and check the notice, the reconnection, and the transcript."""
    connection = await call.start_with_greeting()
    await connection.send_response_created("resp_1")
    await connection.send_output_item("resp_1", "caller_1", call.typed_item_id(1))
    await connection.send_transcript_delta("resp_1", "caller_1", "one two three four five six seven eight nine ten")
    await connection.send_audio("resp_1", "caller_1", 4000)
    await call.page.wait_for_sound(1000)
    lost_at = time.monotonic()
    await break_connection(connection)
    noticed_at = await call.page.wait_for_notice("caller_reconnecting")
    expect(
        noticed_at - lost_at <= NOTICE_DEADLINE,
        f"the page is notified within 2 s, not after {noticed_at - lost_at:.1f} s",
    )
    second = await call.accept_reconnect()
    back_at = await call.page.wait_for_notice("caller_back")
    expect(
        back_at - lost_at <= RECOVERY_DEADLINE, f"the caller is back within 5 s, not after {back_at - lost_at:.1f} s"
    )
    await expect_history_replayed(call, connection, second)
    await second.wait_for_event("response.create")
    await second.send_whole_response("resp_2", "caller_2", None, "Sorry, where was I?", 200)
    await call.page.wait_for_turn("Sorry, where was I?")
    lines = await call.hang_up()
    expect(
        [role for role, _, _ in lines] == ["counselor", "caller", "caller"], f"no turn is lost or duplicated: {lines}"
    )
    expect(lines[1][2] and "ten" not in lines[1][1], f"the caller's turn ends where playback stopped: {lines[1]}")


async def expect_history_replayed(
    call: ScriptedCall, connection: ScriptedConnection, second: ScriptedConnection
) -> None:
    """Check that the new connection gets the same instructions and voice, and exactly the history that was heard."""
    before, after = (
        connection.events_of_type("session.update")[0]["session"],
        second.events_of_type("session.update")[0]["session"],
    )
    expect(before == after, "the new connection has the same instructions and voice")
    replayed = await second.wait_for_history(2)
    expect(
        [role for role, _ in replayed] == ["user", "assistant"], f"the history holds both speakers in order: {replayed}"
    )
    expect(replayed[0][1] == "Crisis line, good evening.", f"the history holds the counselor's words: {replayed}")
    expect(
        replayed[1][1] and "ten" not in replayed[1][1],
        f"the history holds only the words of the caller that were heard: {replayed}",
    )


async def dropped_tcp_connection(call: ScriptedCall) -> None:
    """The call recovers after the TCP connection breaks while the caller speaks."""

    async def break_connection(connection: ScriptedConnection) -> None:
        connection.abort()

    await expect_recovery(call, break_connection)


async def closed_1011(call: ScriptedCall) -> None:
    """The call recovers after upstream closes with an internal error."""
    await expect_recovery(call, lambda connection: connection.close(1011))


async def closed_1000(call: ScriptedCall) -> None:
    """The call recovers after upstream closes with the normal code 1000."""
    await expect_recovery(call, lambda connection: connection.close(1000))


async def expired_session(call: ScriptedCall) -> None:
    """The call recovers when a session reaches 60 minutes: an error without warning, then a close that looks normal."""

    async def break_connection(connection: ScriptedConnection) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        await connection.send_event(
            "error", error={"type": "invalid_request_error", "code": "session_expired", "message": message}
        )
        await connection.close(1001)

    await expect_recovery(call, break_connection)


async def half_open_connection(call: ScriptedCall) -> None:
    """The call recovers when upstream stops reading and sending but leaves the socket open."""

    async def break_connection(connection: ScriptedConnection) -> None:
        connection.is_unresponsive = True

    await expect_recovery_from_silence(call, break_connection)


async def expect_recovery_from_silence(
    call: ScriptedCall, break_connection: Callable[[ScriptedConnection], Awaitable[None]]
) -> None:
    connection = await call.start_with_greeting()
    await connection.send_whole_response("resp_1", "caller_1", call.typed_item_id(1), "Hello.", 200)
    await call.page.wait_for_turn("Hello.")
    await break_connection(connection)
    await call.page.send_message(type="say", text="Are you there?")
    await call.page.wait_for_notice("caller_reconnecting")
    second = await call.accept_reconnect()
    await second.wait_for_event("response.create")
    replayed = [text for _, text in await second.wait_for_history(3)]
    expect(
        replayed == ["Crisis line, good evening.", "Hello.", "Are you there?"],
        f"the whole history is replayed: {replayed}",
    )
    await second.send_whole_response("resp_2", "caller_2", None, "Yes.", 200)
    await call.page.wait_for_turn("Yes.")
    await call.hang_up()


async def interrupted_speech_is_resent(call: ScriptedCall) -> None:
    """Speech cut off by a lost connection is sent again to the next one."""
    connection = await call.start_call()
    call.page.is_speaking = True
    await call.page.wait_for_microphone(300)
    await connection.send_event("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=50)
    await call.page.wait_for_microphone(900)
    connection.abort()
    second = await call.accept_reconnect()
    await wait_for(lambda: second.received_audio_ms > 900, "the earlier audio is sent again")
    call.page.is_speaking = False
    await second.send_user_speech("user_2", None, 0, "A long question.")
    await call.page.wait_for_turn("A long question.")
    await second.wait_for_event("response.create")
    call.expect_transcript(await call.hang_up(), ("counselor", "A long question."))


async def first_handshake_is_rate_limited(call: ScriptedCall) -> None:
    """When the first handshake is rate limited, the page is notified within 2 s and the second attempt succeeds."""
    call.upstream.handshake_refusals = [429]
    began = time.monotonic()
    await call.open_call()
    noticed_at = await call.page.wait_for_notice("caller_reconnecting")
    expect(noticed_at - began < NOTICE_DEADLINE + 1, "the page is notified within 2 s")
    call.connection = connection = await call.upstream.wait_for_connection(1)
    await connection.confirm_session()
    await call.page.wait_for_message("ready")
    await call.expect_answer(connection)
    await call.hang_up()


async def openai_is_unavailable(call: ScriptedCall) -> None:
    """When OpenAI keeps answering 503, the call makes three more attempts and then fails with a reason."""
    call.upstream.refusal_for_all = 503
    await call.open_call()
    await call.expect_ended("caller_lost", "failed")
    attempts = len(call.upstream.refused_at)
    expect(attempts == 4, f"there are four attempts, not {attempts}")
    expect(
        call.page.notices() == ["caller_reconnecting", "caller_lost"],
        f"the page receives both notices: {call.page.notices()}",
    )


async def unanswered_handshake(call: ScriptedCall) -> None:
    """A handshake that gets no answer is abandoned for a new one."""
    call.upstream.handshake_refusals = [None]
    await call.open_call()
    call.connection = connection = await call.upstream.wait_for_connection(1)
    await connection.confirm_session()
    await call.page.wait_for_message("ready")
    await call.expect_answer(connection)
    await call.hang_up()


async def unconfirmed_session(call: ScriptedCall) -> None:
    """The product reconnects when upstream accepts a session but never confirms it."""
    await call.open_call()
    unconfirmed = await call.upstream.wait_for_connection(1)
    await unconfirmed.wait_for_event("session.update")
    await call.page.wait_for_notice("caller_reconnecting")
    second = await call.accept_reconnect()
    await call.page.wait_for_message("ready")
    await call.expect_answer(second)
    await call.hang_up()


async def exhausted_quota(call: ScriptedCall) -> None:
    """An exhausted quota ends the call at once without another attempt, and the counselor is not told the cause."""
    connection = await call.start_with_greeting()
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota."}
    await connection.send_response_created("resp_1")
    await connection.send_response_done("resp_1", "failed", status_details={"type": "failed", "error": error})
    await call.expect_ended("caller_lost", "failed")
    expect(len(call.upstream.connections) == 1, "there is no second attempt")
    expect("quota" not in str(call.page.messages), "the page does not receive the cause")


async def rejected_api_key(call: ScriptedCall) -> None:
    """A rejected API key ends the call at once, and the page receives nothing about the key."""
    await call.open_call()
    connection = await call.upstream.wait_for_connection(1)
    error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": "Incorrect API key: sk-conf"}
    await connection.send_event("error", error=error)
    await connection.close(3000)
    await call.expect_ended("caller_lost", "failed")
    expect(len(call.upstream.connections) == 1, "there is no second attempt")
    expect("key" not in str(call.page.messages), "the page does not receive the cause")


async def repeatedly_failed_responses(call: ScriptedCall) -> None:
    """After repeated failed responses, the product opens a new connection, and the call continues."""
    connection = await call.start_with_greeting()
    for number in (1, 2, 3):
        await connection.wait_for_event("response.create", number)
        await connection.send_response_created(f"resp_{number}")
        error = {"type": "server_error", "code": "server_error", "message": "sorry"}
        await connection.send_response_done(
            f"resp_{number}", "failed", status_details={"type": "failed", "error": error}
        )
    second = await call.accept_reconnect()
    await second.wait_for_event("response.create")
    await second.send_whole_response("resp_9", "caller_9", None, "At last.", 200)
    await call.page.wait_for_turn("At last.")
    await call.hang_up()


async def replacement_before_expiry(call: ScriptedCall) -> None:
    """A session that announces its end is replaced before then, in a quiet moment, without a notice."""
    connection = await call.start_call(expires_in=301)
    await call.page.send_message(type="say", text="Crisis line, good evening.")
    await connection.wait_for_event("response.create")
    await connection.send_whole_response("resp_1", "caller_1", call.typed_item_id(1), "Hello.", 1800)
    second = await call.upstream.wait_for_connection(2)
    await call.page.wait_for_turn("Hello.")
    call.connection = second
    await second.confirm_session()
    replayed = [text for _, text in await second.wait_for_history(2)]
    expect(
        replayed == ["Crisis line, good evening.", "Hello."],
        f"the new connection receives the whole history: {replayed}",
    )
    await wait_for(connection.closed.is_set, "the old connection is closed")
    await call.expect_answer(second)
    expect(not call.page.notices(), f"the page receives no notice: {call.page.notices()}")
    await call.hang_up()


async def idle_call(call: ScriptedCall) -> None:
    """A call in which no one speaks gets a warning and then ends as idle."""
    await call.start_call()
    await call.page.wait_for_notice("idle_warning")
    await call.expect_ended("idle", "completed")


async def microphone_frames_stop(call: ScriptedCall) -> None:
    """When microphone frames stop on an open socket, OpenAI is disconnected and the session stays active."""
    connection = await call.start_call()
    await call.page.wait_for_microphone(300)
    call.page.tasks[1].cancel()
    ended = await call.page.wait_for_message("ended")
    expect(ended["reason"] == "line_lost", f"the call ends with line_lost, not {ended['reason']}")
    await wait_for(connection.closed.is_set, "the connection to OpenAI, which costs money, is closed")
    expect((await call.fetch_session())["status"] == "active", "the session stays active for the page to reconnect")
    await asyncio.sleep(0)


SCRIPTS = [
    dropped_tcp_connection,
    closed_1011,
    closed_1000,
    expired_session,
    half_open_connection,
    interrupted_speech_is_resent,
    first_handshake_is_rate_limited,
    openai_is_unavailable,
    unanswered_handshake,
    unconfirmed_session,
    exhausted_quota,
    rejected_api_key,
    repeatedly_failed_responses,
    replacement_before_expiry,
    idle_call,
    microphone_frames_stop,
]
