import asyncio
import logging
from base64 import b64encode

import pytest

from tests.voicegateway.fakes import BRIEFING, FakeClock, FakePlayer, FakeRecorder, FakeTurns, FakeVoice, pcm, settle
from voicegateway.briefing import EndReason, Limits
from voicegateway.call import Call
from voicegateway.ports import VoiceUnavailable
from voicegateway.wire import HEADER, BadFrame, BadMessage


class Line:
    """A running call with every end of it in the test's hand."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.voice = FakeVoice()
        self.voices: list[FakeVoice | VoiceUnavailable] = []
        self.player = FakePlayer()
        self.turns = FakeTurns()
        self.recorder = FakeRecorder()
        self.clock = FakeClock()
        self.said = 0
        self.call = Call(BRIEFING, self.connect, self.player, self.turns, self.recorder, self.clock, limits)
        self.turns.tell = self.call.saved

    async def connect(self) -> FakeVoice:
        """The next that was laid out; the first one again when there is none."""
        answer = self.voices.pop(0) if self.voices else self.voice
        if isinstance(answer, VoiceUnavailable):
            raise answer
        self.voice = answer
        return answer

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
        """Something is said, and upstream takes it for a turn."""
        for _ in range(5):
            self.call.hear(frame(self.said))
            self.said += 480
        await settle()
        self.voice.emit("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        await settle()


def frame(index: int = 0, ms: int = 20) -> bytes:
    return HEADER.pack(1, 0, 0, index) + pcm(ms)


async def test_call_runs_until_the_counselor_hangs_up():
    async with Line() as line:
        await line.turn("user_1", None)
        line.voice.emit(
            "conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Good evening."
        )
        await settle()
        line.call.receive('{"type":"hang_up"}')

        assert (await line.running).reason is EndReason.HUNG_UP
        assert line.voice.types == ["session.update", *["input_audio_buffer.append"] * 5, "response.create"]
        assert line.player.types == ["ready", "turn", "turn"]
        assert line.turns.saved[-1].text_heard == "Good evening."
        assert line.recorder.microphone == pcm(100)


async def test_time_passes_by_the_clock():
    async with Line() as line:
        for _ in range(61):
            await line.clock.advance(0.1)

        assert line.voice.types == ["session.update", "response.create"]


async def test_lost_voice_is_called_back_and_told_what_was_said():
    async with Line() as line:
        await line.turn("user_1", None)
        line.voice.emit(
            "conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Good evening."
        )
        await settle()
        first, second = line.voice, FakeVoice()
        line.voices = [VoiceUnavailable(True, "http_429"), second]

        first.lose()
        await settle()
        assert line.player.messages[-1] == {"type": "notice", "code": "caller_reconnecting"}
        await line.clock.advance(0.5)
        await line.clock.advance(1.0)
        second.emit("session.updated", session={})
        await settle()

        assert not first.is_open
        assert second.types == ["session.update", "conversation.item.create", "response.create"]
        assert second.sent[1]["item"]["content"] == [{"type": "input_text", "text": "Good evening."}]
        assert line.player.messages[-1] == {"type": "notice", "code": "caller_back"}


async def test_voice_that_does_not_come_back_after_three_tries_ends_the_call():
    async with Line() as line:
        await line.turn("user_1", None)
        line.voices = [VoiceUnavailable(True, f"closed_{number}") for number in (1011, 1012, 1013)]

        line.voice.lose()
        await settle()
        for seconds in (0.5, 1.0, 2.0):
            await line.clock.advance(seconds)

        outcome = await line.running
        assert (outcome.reason, outcome.detail, line.voices) == (EndReason.CALLER_LOST, "closed_1013", [])
        assert [message["code"] for message in line.player.messages if message["type"] == "notice"] == [
            "caller_reconnecting",
            "caller_lost",
        ]
        assert line.turns.saved[-1].text_heard == "[inaudible]"


async def test_voice_that_is_refused_for_good_is_not_tried_again():
    async with Line() as line:
        line.voices = [VoiceUnavailable(False, "http_401")]

        line.voice.lose()
        await settle()
        await line.clock.advance(0.5)

        outcome = await line.running
        assert (outcome.reason, outcome.detail) == (EndReason.CALLER_LOST, "http_401")


async def test_old_connection_is_replaced_beside_the_running_one_when_nobody_speaks():
    async with Line(Limits(rollover_after=10.0, idle_warn=900, idle_end=999)) as line:
        first, second = line.voice, FakeVoice()
        line.voices = [VoiceUnavailable(True, "http_503"), second]
        line.voice.emit("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
        await settle()

        for _ in range(110):
            await line.clock.advance(0.1)
        assert (line.voice, first.is_open) == (first, True)
        await line.clock.advance(30)
        await line.clock.advance(0.1)
        assert (line.voices, first.is_open, second.types) == ([], True, [])
        line.voice = first
        await line.turn("user_1", None)
        first.emit("conversation.item.input_audio_transcription.completed", item_id="user_1", transcript="Hello.")
        await settle()
        assert second.types == []
        answer(first, "resp_1", "caller_1")
        await settle()
        line.call.receive('{"type":"played","item":1,"samples":2400,"at_mic_sample":5000,"final":true}')
        await line.clock.advance(0.1)
        await settle()

        assert not first.is_open
        assert second.types == ["session.update", *["conversation.item.create"] * 2]
        assert "notice" not in line.player.types
        line.voice = second


def answer(voice: FakeVoice, response: str, item: str) -> None:
    """Everything of a short response at once."""
    voice.emit("response.created", response={"id": response})
    about = {"response_id": response, "item_id": item, "content_index": 0}
    voice.emit("response.output_audio.delta", **about, delta=b64encode(pcm(100)).decode())
    voice.emit("response.output_audio_transcript.done", **about, transcript="Hi.")
    voice.emit("response.output_audio.done", **about)
    voice.emit("response.done", response={"id": response, "status": "completed"})


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
            line.clock.time += 0.02
            line.call.hear(frame(index * 480))
        line.call.receive('{"type":"say","text":"Are you there?"}')
        line.voice.may_send.set()
        await settle()
        for _ in range(10):
            await settle()

        assert line.voice.types.count("input_audio_buffer.append") == 101  # one was on its way
        assert line.voice.types[-2:] == ["conversation.item.create", "response.create"]


async def test_browser_that_stops_reading_loses_the_line():
    async with Line(Limits(farewell=0.0)) as line:
        line.player.reads.clear()
        await line.turn("user_1", None)

        await line.clock.advance(5.1)

        assert (await line.running).reason is EndReason.LINE_LOST


@pytest.mark.parametrize("problem", [ConnectionResetError(), RuntimeError("after websocket.close")])
async def test_browser_that_is_gone_loses_the_line(problem):
    async with Line() as line:

        async def gone(text: str) -> None:
            raise problem

        line.player.send_text = gone
        await line.turn("user_1", None)

        assert (await line.running).reason is EndReason.LINE_LOST
        assert line.turns.saved[-1].text_heard == "[inaudible]"


async def test_unforeseen_failure_ends_the_call_and_is_logged_with_its_session(caplog):
    async with Line() as line:
        with caplog.at_level(logging.ERROR):
            line.voice.incoming.put_nowait(ZeroDivisionError())

            assert (await line.running).reason is EndReason.FAILED
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

        assert (await line.running).reason is reason
