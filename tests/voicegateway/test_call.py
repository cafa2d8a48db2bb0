import asyncio
import logging
from base64 import b64encode

import pytest

from tests.voicegateway.fakes import (
    CALL_CONFIG,
    FakeBrowserSocket,
    FakeClock,
    FakeRealtimeConnection,
    FakeRecorder,
    FakeTurnSink,
    pcm,
    run_pending_tasks,
)
from voicegateway.browser.protocol import FRAME_HEADER, InvalidFrameError, InvalidMessageError
from voicegateway.conversation.call import Call
from voicegateway.conversation.call_config import CallEndReason, Limits
from voicegateway.conversation.ports import UpstreamUnavailableError


class CallHarness:
    """A running call with every connection under the test's control."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.connection = FakeRealtimeConnection()
        self.prepared_connections: list[FakeRealtimeConnection | UpstreamUnavailableError] = []
        self.player = FakeBrowserSocket()
        self.turns = FakeTurnSink()
        self.recorder = FakeRecorder()
        self.clock = FakeClock()
        self.microphone_index = 0
        self.call = Call(CALL_CONFIG, self.connect, self.player, self.turns, self.recorder, self.clock, limits)
        self.turns.on_saved = self.call.confirm_saved

    async def connect(self) -> FakeRealtimeConnection:
        """Return the next prepared connection, or the current one if none is left. Raise a prepared error."""
        answer = self.prepared_connections.pop(0) if self.prepared_connections else self.connection
        if isinstance(answer, UpstreamUnavailableError):
            raise answer
        self.connection = answer
        return answer

    async def __aenter__(self) -> "CallHarness":
        self.tasks_before = asyncio.all_tasks()
        self.running = asyncio.create_task(self.call.run())
        self.call.receive_text('{"type":"hello","last_revision":0}')
        self.connection.emit("session.updated", session={})
        await run_pending_tasks()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        assert asyncio.all_tasks() == self.tasks_before
        assert not self.connection.is_open

    async def turn(self, item: str, previous: str | None) -> None:
        """Send 100 ms of speech and have upstream commit it as a turn."""
        for _ in range(5):
            self.call.receive_audio(frame(self.microphone_index))
            self.microphone_index += 480
        await run_pending_tasks()
        self.connection.emit("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        await run_pending_tasks()


def frame(index: int = 0, ms: int = 20) -> bytes:
    return FRAME_HEADER.pack(1, 0, 0, index) + pcm(ms)


async def test_call_runs_until_the_counselor_hangs_up():
    async with CallHarness() as harness:
        await harness.turn("user_1", None)
        harness.connection.emit(
            "conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Good evening."
        )
        await run_pending_tasks()
        harness.call.receive_text('{"type":"hang_up"}')

        assert (await harness.running).reason is CallEndReason.HUNG_UP
        assert harness.connection.types == ["session.update", *["input_audio_buffer.append"] * 5, "response.create"]
        assert harness.player.types == ["ready", "turn", "turn"]
        assert harness.turns.saved[-1].text_heard == "Good evening."
        assert harness.recorder.microphone == pcm(100)


async def test_call_uses_the_injected_clock():
    async with CallHarness() as harness:
        for _ in range(61):
            await harness.clock.advance(0.1)

        assert harness.connection.types == ["session.update", "response.create"]


async def test_lost_connection_is_reopened_with_the_history():
    async with CallHarness() as harness:
        await harness.turn("user_1", None)
        harness.connection.emit(
            "conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Good evening."
        )
        await run_pending_tasks()
        first, second = harness.connection, FakeRealtimeConnection()
        harness.prepared_connections = [UpstreamUnavailableError(True, "http_429"), second]

        first.lose()
        await run_pending_tasks()
        assert harness.player.messages[-1] == {"type": "notice", "code": "caller_reconnecting"}
        await harness.clock.advance(0.5)
        await harness.clock.advance(1.0)
        second.emit("session.updated", session={})
        await run_pending_tasks()

        assert not first.is_open
        assert second.types == ["session.update", "conversation.item.create", "response.create"]
        assert second.sent[1]["item"]["content"] == [{"type": "input_text", "text": "Good evening."}]
        assert harness.player.messages[-1] == {"type": "notice", "code": "caller_back"}


async def test_call_ends_after_three_failed_reconnections():
    async with CallHarness() as harness:
        await harness.turn("user_1", None)
        harness.prepared_connections = [
            UpstreamUnavailableError(True, f"closed_{number}") for number in (1011, 1012, 1013)
        ]

        harness.connection.lose()
        await run_pending_tasks()
        for seconds in (0.5, 1.0, 2.0):
            await harness.clock.advance(seconds)

        outcome = await harness.running
        assert (outcome.reason, outcome.detail, harness.prepared_connections) == (
            CallEndReason.CALLER_LOST,
            "closed_1013",
            [],
        )
        assert [message["code"] for message in harness.player.messages if message["type"] == "notice"] == [
            "caller_reconnecting",
            "caller_lost",
        ]
        assert harness.turns.saved[-1].text_heard == "[inaudible]"


async def test_permanent_refusal_is_not_retried():
    async with CallHarness() as harness:
        harness.prepared_connections = [UpstreamUnavailableError(False, "http_401")]

        harness.connection.lose()
        await run_pending_tasks()
        await harness.clock.advance(0.5)

        outcome = await harness.running
        assert (outcome.reason, outcome.detail) == (CallEndReason.CALLER_LOST, "http_401")


async def test_old_connection_is_replaced_when_no_one_speaks():
    async with CallHarness(Limits(rollover_after=10.0, idle_warn_after=900, idle_end_after=999)) as harness:
        first, second = harness.connection, FakeRealtimeConnection()
        harness.prepared_connections = [UpstreamUnavailableError(True, "http_503"), second]
        harness.connection.emit("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
        await run_pending_tasks()

        for _ in range(110):
            await harness.clock.advance(0.1)
        assert (harness.connection, first.is_open) == (first, True)
        await harness.clock.advance(30)
        await harness.clock.advance(0.1)
        assert (harness.prepared_connections, first.is_open, second.types) == ([], True, [])
        harness.connection = first
        await harness.turn("user_1", None)
        first.emit("conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Hello.")
        await run_pending_tasks()
        assert second.types == []
        send_response(first, "resp_1", "caller_1")
        await run_pending_tasks()
        harness.call.receive_text('{"type":"played","item":1,"samples":2400,"at_mic_sample":5000,"final":true}')
        await harness.clock.advance(0.1)
        await run_pending_tasks()

        assert not first.is_open
        assert second.types == ["session.update", *["conversation.item.create"] * 2]
        assert "notice" not in harness.player.types
        harness.connection = second


async def test_unused_spare_connection_is_closed_with_the_call():
    async with CallHarness(Limits(rollover_after=10.0, idle_warn_after=900, idle_end_after=999)) as harness:
        first, spare = harness.connection, FakeRealtimeConnection()
        harness.prepared_connections = [spare]
        harness.connection.emit("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
        await run_pending_tasks()
        await harness.clock.advance(11)
        assert (harness.connection, spare.types) == (spare, [])

        harness.call.end_now(CallEndReason.ENDED_ELSEWHERE)
        await harness.running

        assert (first.is_open, spare.is_open) == (False, False)


def send_response(connection: FakeRealtimeConnection, response: str, item: str) -> None:
    """Emit all events of a short response at once."""
    connection.emit("response.created", response={"id": response})
    about = {"response_id": response, "item_id": item, "content_index": 0}
    connection.emit("response.output_audio.delta", **about, delta=b64encode(pcm(100)).decode())
    connection.emit("response.output_audio_transcript.done", **about, transcript="Hi.")
    connection.emit("response.output_audio.done", **about)
    connection.emit("response.done", response={"id": response, "status": "completed"})


async def test_malformed_upstream_message_is_ignored():
    async with CallHarness() as harness:
        harness.connection.incoming.put_nowait(b"\xff{")
        await harness.turn("user_1", None)

        assert harness.connection.types[-1] == "response.create"


async def test_cancelled_call_saves_its_turns_and_leaves_no_task():
    async with CallHarness() as harness:
        await harness.turn("user_1", None)

        harness.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await harness.running

        assert harness.call.conversation.end_reason is CallEndReason.SHUTDOWN
        assert harness.turns.saved[-1].text_heard == "[inaudible]"
        assert not harness.connection.is_open


async def test_slow_upstream_never_blocks_the_microphone():
    async with CallHarness() as harness:
        harness.connection.can_send.clear()

        for index in range(200):
            harness.clock.time += 0.02
            harness.call.receive_audio(frame(index * 480))
        harness.call.receive_text('{"type":"say","text":"Are you there?"}')
        harness.connection.can_send.set()
        await run_pending_tasks()
        for _ in range(10):
            await run_pending_tasks()

        assert harness.connection.types.count("input_audio_buffer.append") == 101  # one was already in flight
        assert harness.connection.types[-2:] == ["conversation.item.create", "response.create"]


async def test_call_ends_if_the_browser_stops_reading():
    async with CallHarness(Limits(closing_timeout=0.0)) as harness:
        harness.player.is_reading.clear()
        await harness.turn("user_1", None)

        await harness.clock.advance(5.1)

        assert (await harness.running).reason is CallEndReason.LINE_LOST


@pytest.mark.parametrize("problem", [ConnectionResetError(), RuntimeError("after websocket.close")])
async def test_call_ends_if_the_browser_is_gone(problem):
    async with CallHarness() as harness:

        async def raise_problem(text: str) -> None:
            raise problem

        harness.player.send_text = raise_problem
        await harness.turn("user_1", None)

        assert (await harness.running).reason is CallEndReason.LINE_LOST
        assert harness.turns.saved[-1].text_heard == "[inaudible]"


async def test_unexpected_error_ends_the_call_and_is_logged_with_its_session(caplog):
    async with CallHarness() as harness:
        with caplog.at_level(logging.ERROR):
            harness.connection.incoming.put_nowait(ZeroDivisionError())

            assert (await harness.running).reason is CallEndReason.FAILED
        [record] = caplog.records
        assert record.session_id == CALL_CONFIG.session_id


async def test_invalid_input_raises_and_keeps_the_call_open():
    async with CallHarness() as harness:
        with pytest.raises(InvalidFrameError):
            harness.call.receive_audio(frame()[:-1])
        with pytest.raises(InvalidMessageError):
            harness.call.receive_text("hello")

        assert not harness.running.done()


@pytest.mark.parametrize("reason", [CallEndReason.ENDED_ELSEWHERE, CallEndReason.FEEDBACK])
async def test_end_stops_the_call_with_its_reason(reason):
    async with CallHarness() as harness:
        harness.call.end(reason)

        assert (await harness.running).reason is reason


async def request_response(harness: CallHarness) -> None:
    harness.call.receive_text('{"type":"say","text":"Good evening."}')
    await run_pending_tasks()


async def test_response_received_during_a_process_stall_is_not_lost():
    async with CallHarness(Limits(response_lost_after=2.0)) as harness:
        await request_response(harness)
        connection = harness.connection

        await harness.clock.jump(60.0)
        connection.emit("response.created", response={"id": "resp_1", "status": "in_progress"})
        await run_pending_tasks()
        await harness.clock.advance(1.0)

        assert connection.is_open


async def test_response_missing_after_a_process_stall_counts_as_lost():
    async with CallHarness(Limits(response_lost_after=2.0)) as harness:
        connection = harness.connection
        await request_response(harness)

        await harness.clock.jump(60.0)
        await harness.clock.advance(1.0)

        assert not connection.is_open
