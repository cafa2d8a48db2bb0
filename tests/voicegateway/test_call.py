import asyncio
import logging

import pytest

from tests.voicegateway.fakes import BRIEFING, FakeClock, FakePlayer, FakeRecorder, FakeTurns, FakeVoice, pcm, settle
from voicegateway.briefing import EndReason, Limits
from voicegateway.call import Call
from voicegateway.wire import HEADER, BadFrame, BadMessage


class Line:
    """A running call with every end of it in the test's hand."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.voice = FakeVoice()
        self.player = FakePlayer()
        self.turns = FakeTurns()
        self.recorder = FakeRecorder()
        self.clock = FakeClock()
        self.call = Call(BRIEFING, self.voice, self.player, self.turns, self.recorder, self.clock, limits)

    async def __aenter__(self) -> "Line":
        self.tasks_before = asyncio.all_tasks()
        self.running = asyncio.create_task(self.call.run())
        self.call.receive('{"type":"hello","last_revision":0}')
        self.voice.emit("session.updated", session={})
        await settle()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        assert asyncio.all_tasks() == self.tasks_before
        assert not self.voice.is_open

    async def turn(self, item: str, previous: str | None) -> None:
        self.voice.emit("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        await settle()


def frame(index: int = 0, ms: int = 20) -> bytes:
    return HEADER.pack(1, 0, 0, index) + pcm(ms)


async def test_call_runs_until_the_counselor_hangs_up():
    async with Line() as line:
        line.call.hear(frame())
        await line.turn("user_1", None)
        line.voice.emit(
            "conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Good evening."
        )
        await settle()
        line.call.receive('{"type":"hang_up"}')

        assert await line.running is EndReason.HUNG_UP
        assert line.voice.types == ["session.update", "input_audio_buffer.append", "response.create"]
        assert line.player.types == ["ready", "turn", "turn"]
        assert line.turns.saved[-1].text_heard == "Good evening."
        assert line.recorder.microphone == pcm(20)


async def test_time_passes_by_the_clock():
    async with Line() as line:
        for _ in range(61):
            await line.clock.advance(0.1)

        assert line.voice.types == ["session.update", "response.create"]


async def test_lost_voice_ends_the_call_and_tells_the_browser():
    async with Line() as line:
        await line.turn("user_1", None)

        line.voice.lose()

        assert await line.running is EndReason.CALLER_LOST
        assert line.player.types[-2:] == ["notice", "turn"]
        assert line.turns.saved[-1].text_heard == "[inaudible]"


async def test_upstream_that_sends_rubbish_is_passed_over():
    async with Line() as line:
        line.voice.incoming.put_nowait(b"\xff{")
        await line.turn("user_1", None)

        assert line.voice.types[-1] == "response.create"


async def test_cancelled_call_saves_what_is_known_and_leaves_no_task():
    async with Line() as line:
        await line.turn("user_1", None)

        line.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await line.running

        assert line.call.conversation.ended is EndReason.SHUTDOWN
        assert line.turns.saved[-1].text_heard == "[inaudible]"
        assert not line.voice.is_open


async def test_slow_upstream_never_makes_the_microphone_wait():
    async with Line() as line:
        line.voice.may_send.clear()

        for index in range(200):
            line.call.hear(frame(index * 480))
        line.call.receive('{"type":"say","text":"Are you there?"}')
        line.voice.may_send.set()
        await settle()
        for _ in range(10):
            await settle()

        assert line.voice.types.count("input_audio_buffer.append") == 100
        assert line.voice.types[-2:] == ["conversation.item.create", "response.create"]


async def test_browser_that_stops_reading_loses_the_line():
    async with Line(Limits(farewell=0.0)) as line:
        line.player.reads.clear()
        await line.turn("user_1", None)

        await line.clock.advance(5.1)

        assert await line.running is EndReason.LINE_LOST


@pytest.mark.parametrize("problem", [ConnectionResetError(), RuntimeError("after websocket.close")])
async def test_browser_that_is_gone_loses_the_line(problem):
    async with Line() as line:

        async def gone(text: str) -> None:
            raise problem

        line.player.send_text = gone
        await line.turn("user_1", None)

        assert await line.running is EndReason.LINE_LOST
        assert line.turns.saved[-1].text_heard == "[inaudible]"


async def test_unforeseen_failure_ends_the_call_and_is_logged_with_its_session(caplog):
    async with Line() as line:
        with caplog.at_level(logging.ERROR):
            line.voice.incoming.put_nowait(ZeroDivisionError())

            assert await line.running is EndReason.FAILED
        [record] = caplog.records
        assert record.session_id == BRIEFING.session_id


async def test_bad_input_is_the_consumers_to_answer_and_keeps_the_call():
    async with Line() as line:
        with pytest.raises(BadFrame):
            line.call.hear(frame()[:-1])
        with pytest.raises(BadMessage):
            line.call.receive("hello")

        assert not line.running.done()


@pytest.mark.parametrize("reason", [EndReason.ENDED_ELSEWHERE, EndReason.FEEDBACK])
async def test_call_can_be_ended_from_elsewhere(reason):
    async with Line() as line:
        line.call.end(reason)

        assert await line.running is reason
