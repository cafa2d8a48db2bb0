"""The model's end of a measurement: it echoes what it hears, frame by frame, and holds a conversation around it."""

import asyncio
from itertools import count

import orjson

from benchmarks.frames import ServerSocket

SPEAKS, LISTENS = 10.0, 1.5  # seconds: the caller, then the counselor
WORD_EVERY = 0.3
GOLDEN = 0.618034
AUDIO = b'"audio":"'
APPEND = b'{"type":"input_audio_buffer.append"'
DELTA = b'{"type":"response.output_audio.delta","event_id":"e","output_index":0,"content_index":0,"delta":"'


class Model(ServerSocket):
    """Behind the gateway it waits to be asked; behind the bare relay, which asks nothing, it keeps the same times."""

    models: set["Model"] = set()

    def __init__(self) -> None:
        super().__init__()
        self.got = self._hear
        self.echoed = 0
        self.heard_ms = 0
        self.tail: bytes | None = None
        self.talking: asyncio.Task[None] | None = None
        self.asked = asyncio.Event()
        self.turns = count(1)
        # Calls are not in step with each other: each begins somewhere in the middle of the caller's first words.
        self.speaks_first = SPEAKS * (1 - len(self.models) * GOLDEN % 1.0 / 2)
        self.models.add(self)

    def head_came(self, head: bytes) -> None:
        super().head_came(head)
        talk = self._alternate() if self.path.startswith("/relay") else self._converse()
        self.talking = asyncio.ensure_future(talk)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.talking:
            self.talking.cancel()

    def _hear(self, opcode: int, payload: bytes) -> None:
        if payload.startswith(APPEND):
            self.heard_ms += 20
            if self.tail is not None:
                start = payload.find(AUDIO, len(APPEND)) + len(AUDIO)
                self.send(DELTA + payload[start : payload.rindex(b'"')] + self.tail)
                self.echoed += 1
            return
        event = orjson.loads(payload)
        if event["type"] == "session.update":
            self._tell("session.created", session={})
            self._tell("session.updated", session={})
        elif event["type"] == "response.create":
            self.asked.set()

    def _tell(self, kind: str, **fields: object) -> None:
        self.send(orjson.dumps({"type": kind, "event_id": "e", **fields}))

    async def _alternate(self) -> None:
        for turn in self.turns:
            self.tail = b'"}'
            await asyncio.sleep(SPEAKS if turn > 1 else self.speaks_first)
            self.tail = None
            await asyncio.sleep(LISTENS)

    async def _converse(self) -> None:
        previous: str | None = None
        for turn in self.turns:
            await self.asked.wait()
            self.asked.clear()
            previous = await self._speak(turn, previous)
            previous = await self._listen(turn, previous)

    async def _speak(self, turn: int, previous: str | None) -> str:
        response, item = f"resp_{turn}", f"caller_{turn}"
        about = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        self._tell("response.created", response={"id": response, "status": "in_progress"})
        self._tell("response.output_item.added", response_id=response, output_index=0, item=message)
        self._tell("conversation.item.added", previous_item_id=previous, item=message)
        self.tail = f'","response_id":"{response}","item_id":"{item}"}}'.encode()
        for _ in range(max(1, round((SPEAKS if turn > 1 else self.speaks_first) / WORD_EVERY))):
            self._tell("response.output_audio_transcript.delta", **about, delta="a word or two ")
            await asyncio.sleep(WORD_EVERY)
        self.tail = None
        self._tell("response.output_audio.done", **about)
        self._tell("response.output_audio_transcript.done", **about, transcript="a word or two " * 33)
        self._tell("response.output_item.done", response_id=response, output_index=0, item=message)
        self._tell("response.done", response={"id": response, "status": "completed", "output": []})
        return item

    async def _listen(self, turn: int, previous: str | None) -> str:
        item = f"user_{turn}"
        await asyncio.sleep(LISTENS / 2)
        self._tell("input_audio_buffer.speech_started", item_id=item, audio_start_ms=max(0, self.heard_ms - 200))
        await asyncio.sleep(LISTENS / 2)
        self._tell("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=self.heard_ms)
        self._tell("input_audio_buffer.committed", item_id=item, previous_item_id=previous)
        message = {"id": item, "type": "message", "role": "user", "content": []}
        self._tell("conversation.item.added", previous_item_id=previous, item=message)
        transcribed = "conversation.item.input_audio_transcription.completed"
        self._tell(transcribed, item_id=item, content_index=0, transcript="That sounds lonely. And what happened then?")
        return item
