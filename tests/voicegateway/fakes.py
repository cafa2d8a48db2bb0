"""In-memory fakes for everything around a call: sockets, player, recorder, and clock."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

import orjson

from tests.standins.openai.sdk_type_validation import client_event_problems
from training.transcript import TurnSnapshot
from voicegateway.browser.protocol import SAMPLE_RATE, AudioFrame, Hello, Played
from voicegateway.conversation.call_config import CallConfig, Limits
from voicegateway.conversation.conversation import Conversation
from voicegateway.conversation.ports import NullRecorder, UpstreamUnavailableError

MS = SAMPLE_RATE // 1000
CALL_CONFIG = CallConfig(
    session_id="4b1d",
    instructions="You are Ruth, and you are tired.",
    model="a-model",
    voice="marin",
    transcribe_model="a-scribe",
    greeting="Hello? Is somebody there?",
)


def pcm(ms: int, loud: bool = True) -> bytes:
    """Return `ms` milliseconds of PCM16: a square wave, or silence if not `loud`."""
    return (b"\x00\x10" * 12 + b"\x00\xf0" * 12) * ms if loud else bytes(2 * MS * ms)


class FakeRecorder(NullRecorder):
    """Recorder that stores what it receives as plain tuples."""

    def __init__(self) -> None:
        super().__init__()
        self.microphone = b""
        self.caller_frames: list[tuple[int, int, int]] = []
        self.playback_reports: list[tuple[int, int, bool]] = []
        self.mutes: list[bool] = []

    def record_microphone(self, pcm: bytes, index: int) -> int:
        self.microphone += pcm
        return super().record_microphone(pcm, index)

    def record_caller(self, item: int, index: int, pcm: bytes) -> None:
        self.caller_frames.append((item, index, len(pcm) // 2))

    def record_playback(self, item: int, samples: int, at_mic_sample: int, final: bool) -> None:
        self.playback_reports.append((item, samples, final))

    def set_muted(self, on: bool) -> None:
        self.mutes.append(on)


def chain_turns(turns: list[TurnSnapshot]) -> list[TurnSnapshot]:
    """Return the transcript a database would hold: the last revision of each turn, in the order of the chain."""
    latest = {turn.item: turn for turn in sorted(turns, key=lambda turn: turn.revision)}
    following = {turn.after: turn for turn in latest.values()}
    assert len(following) == len(latest), "two turns have the same predecessor"
    chain: list[TurnSnapshot] = []
    while (turn := following.get(chain[-1].item if chain else None)) is not None:
        chain.append(turn)
    assert len(chain) == len(latest), "a turn has no place in the chain"
    return chain


class ConversationHarness:
    """Conversation driven by explicit events and a manual clock, with everything that it sends collected."""

    def __init__(self, limits: Limits | None = None, ready: bool = True, **config: object) -> None:
        self.now = 1000.0
        self.recorder = FakeRecorder()
        self.conversation = Conversation(replace(CALL_CONFIG, **config), self.recorder, self.now, limits)
        self.sent: list[dict] = []
        self.sent_audio = b""
        self.browser_messages: list = []
        self.turns: list[TurnSnapshot] = []
        self.mic_index = 0
        self.responses_open = 0
        self.conversation.upstream_connected(self.now)
        self.collect()
        if ready:
            self.browser(Hello(0))
            self.upstream("session.updated", session={})

    def collect(self) -> None:
        queue = self.conversation.send_queue
        while (event := queue.take_upstream_event()) is not None:
            if isinstance(event, bytes):
                self.sent_audio += b64decode(orjson.loads(event)["audio"])
            else:
                assert client_event_problems(dict(event)) == []
                self._count_responses(event)
                self.sent.append(dict(event))
        while (message := queue.next_browser_message()) is not None:
            self.browser_messages.append(message)
            queue.remove_browser_message()
        saved, queue.unsaved_turns = queue.unsaved_turns, []
        self.turns += saved
        for turn in saved:
            self.conversation.confirm_saved(turn)
        if saved:
            self.collect()

    def _count_responses(self, event: dict) -> None:
        if event["type"] == "response.create":
            self.responses_open += 1
        assert self.responses_open <= 1, "two responses are in flight"

    # Input

    def upstream(self, type: str, **fields: object) -> None:
        if type == "response.done":
            self.responses_open = 0
        self.conversation.receive_event({"type": type, "event_id": "e", **fields}, self.now)
        self.collect()

    def browser(self, message: object) -> None:
        self.conversation.receive_message(message, self.now)
        self.collect()

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.conversation.tick(self.now)
            self.collect()

    def microphone(self, ms: int, loud: bool = True) -> None:
        for _ in range(ms // 20):
            self.now += 0.02
            self.conversation.receive_audio(AudioFrame(0, self.mic_index, pcm(20, loud)), self.now)
            self.mic_index += 20 * MS
            self.collect()

    def played(self, item: int, ms: int, final: bool = False) -> None:
        self.browser(Played(item, ms * MS, self.mic_index, final))

    # Upstream events, in their usual order

    def speech_started(self, item: str) -> None:
        self.upstream("input_audio_buffer.speech_started", item_id=item, audio_start_ms=self.mic_index // MS)

    def speech_stopped(self, item: str) -> None:
        self.upstream("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=self.mic_index // MS)

    def committed(self, item: str, previous: str | None) -> None:
        self.upstream("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        self.added(item, previous, "user")

    def added(self, item: str, previous: str | None, role: str) -> None:
        fields = {"id": item, "type": "message", "role": role, "content": []}
        self.upstream("conversation.item.added", item=fields, previous_item_id=previous)

    def transcribed(self, item: str, text: str) -> None:
        self.upstream("conversation.item.input_audio_transcription.completed", item_id=item, transcript=text)

    def counselor_says(self, item: str, previous: str | None, text: str | None = None, ms: int = 600) -> None:
        self.speech_started(item)
        self.microphone(ms)
        self.speech_stopped(item)
        self.committed(item, previous)
        if text is not None:
            self.transcribed(item, text)

    def response(self, response: str) -> None:
        self.upstream("response.created", response={"id": response, "status": "in_progress"})

    def item(self, response: str, item: str, previous: str | None) -> None:
        fields = {"id": item, "type": "message", "role": "assistant", "content": []}
        self.upstream("response.output_item.added", response_id=response, output_index=0, item=fields)
        self.added(item, previous, "assistant")

    def text(self, response: str, item: str, text: str) -> None:
        self.upstream("response.output_audio_transcript.delta", response_id=response, item_id=item, delta=text)

    def text_done(self, response: str, item: str, text: str) -> None:
        self.upstream("response.output_audio_transcript.done", response_id=response, item_id=item, transcript=text)

    def audio(self, response: str, item: str, ms: int) -> None:
        self.upstream(
            "response.output_audio.delta",
            response_id=response,
            item_id=item,
            content_index=0,
            delta=b64encode(pcm(ms)).decode(),
        )

    def audio_done(self, response: str, item: str) -> None:
        self.upstream("response.output_audio.done", response_id=response, item_id=item, content_index=0)

    def response_done(self, response: str, status: str = "completed") -> None:
        self.upstream("response.done", response={"id": response, "status": status, "output": []})

    def caller_says(self, response: str, item: str, previous: str | None, text: str, ms: int = 1000) -> None:
        self.response(response)
        self.item(response, item, previous)
        self.text(response, item, text)
        self.audio(response, item, ms)
        self.audio_done(response, item)
        self.text_done(response, item, text)
        self.response_done(response)

    # Results

    def sent_of_type(self, type: str) -> list[dict]:
        return [event for event in self.sent if event["type"] == type]

    def browser_messages_of(self, kind: type) -> list:
        return [message for message in self.browser_messages if isinstance(message, kind)]

    @property
    def transcript(self) -> list[TurnSnapshot]:
        return chain_turns(self.turns)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(turn.role, turn.text_heard) for turn in self.transcript if turn.is_final]


class FakeClock:
    """Clock that moves only by `advance` and `jump`."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleepers: list[asyncio.Future[None]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self.sleepers.append(sleeper)
        await sleeper

    async def advance(self, seconds: float) -> None:
        """Advance time in steps of at most one second, as for a running process."""
        until = self.time + seconds
        while self.time < until:
            await self.jump(min(1.0, until - self.time))

    async def jump(self, seconds: float) -> None:
        """Advance time in one step, as for a process that was stalled."""
        self.time += seconds
        sleepers, self.sleepers = self.sleepers, []
        for sleeper in sleepers:
            if not sleeper.done():
                sleeper.set_result(None)
        await run_pending_tasks()


async def run_pending_tasks() -> None:
    """Yield to the event loop 20 times, so that every task runs as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


class FakeRealtimeConnection:
    """An upstream connection in memory: `emit` delivers events, `sent` holds the events received."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.sent: list[dict] = []
        self.is_open = True
        self.can_send = asyncio.Event()
        self.can_send.set()

    async def send(self, event: bytes) -> None:
        await self.can_send.wait()
        self.sent.append(orjson.loads(event))

    def send_at_once(self, event: bytes) -> bool:
        if self.can_send.is_set():
            self.sent.append(orjson.loads(event))
        return self.can_send.is_set()

    async def listen(self, on_message: Callable[[bytes], None]) -> None:
        while True:
            event = await self.incoming.get()
            if isinstance(event, Exception):
                raise event
            on_message(event)

    async def close(self) -> None:
        self.is_open = False

    def emit(self, type: str, **fields: object) -> None:
        self.incoming.put_nowait(orjson.dumps({"type": type, **fields}))

    def lose(self, code: str = "closed_1011") -> None:
        self.incoming.put_nowait(UpstreamUnavailableError(True, code))

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.sent]


class FakeBrowserSocket:
    """A browser in memory that can stop reading."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self.frames: list[bytes] = []
        self.is_reading = asyncio.Event()
        self.is_reading.set()

    async def send_text(self, text: str) -> None:
        await self.is_reading.wait()
        self.messages.append(orjson.loads(text))

    async def send_bytes(self, data: bytes) -> None:
        await self.is_reading.wait()
        self.frames.append(data)

    def send_bytes_at_once(self, data: bytes) -> bool:
        if self.is_reading.is_set():
            self.frames.append(data)
        return self.is_reading.is_set()

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]


class FakeTurnSink:
    """A database that saves every turn at once and confirms it."""

    def __init__(self) -> None:
        self.saved: list[TurnSnapshot] = []
        self.on_saved: Callable[[TurnSnapshot], None] = lambda turn: None

    def put(self, turn: TurnSnapshot) -> None:
        self.saved.append(turn)
        asyncio.get_running_loop().call_soon(self.on_saved, turn)
