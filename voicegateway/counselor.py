"""The counselor's side: the microphone on its way up, and what the upstream makes of it."""

from binascii import b2a_base64
from uuid import uuid4

from voicegateway.briefing import INAUDIBLE, Role, Source
from voicegateway.events import Event
from voicegateway.outbox import SAMPLES_PER_MS, Outbox, Sound
from voicegateway.ports import Recorder
from voicegateway.transcript import Entry, Transcript
from voicegateway.wire import Frame

APPEND_HEAD, APPEND_TAIL = b'{"type":"input_audio_buffer.append","audio":"', b'"}'


class Counselor:
    def __init__(self, box: Outbox, recorder: Recorder, transcript: Transcript, silence_ms: int) -> None:
        self.box = box
        self.recorder = recorder
        self.transcript = transcript
        self.silence_ms = silence_ms
        self.is_muted = False
        self.has_spoken = False
        self.speaking: str | None = None
        self.spans: dict[str, tuple[int, int]] = {}
        self.untranscribed: dict[str, Entry] = {}

    def hear(self, frame: Frame) -> bytes:
        """Pass sound up and to the recorder: silence while muted, because the upstream's clock must go on."""
        pcm = bytes(len(frame.pcm)) if self.is_muted else frame.pcm
        position = self.recorder.hear(pcm, frame.index)
        event = APPEND_HEAD + b2a_base64(pcm, newline=False) + APPEND_TAIL
        self.box.pass_on(Sound(event, frame.samples, position))
        return pcm

    def mute(self, on: bool) -> None:
        self.is_muted = on
        self.recorder.mute(on)

    def say(self, text: str) -> None:
        """Typed instead of spoken: final at once."""
        item = f"item_{uuid4().hex[:24]}"
        content = [{"type": "input_text", "text": text}]
        message = {"id": item, "type": "message", "role": "user", "content": content}
        self.box.ask({"type": "conversation.item.create", "item": message})
        entry = self.transcript.place(item, Role.COUNSELOR, source=Source.TYPED)
        entry.start_ms = entry.end_ms = self._now_ms()
        self._finish(entry, text)

    def speech_started(self, event: Event) -> None:
        self.has_spoken = True
        self.speaking = event.text("item_id")
        start = self.box.clock.recording_ms(event.count("audio_start_ms"))
        self.spans[self.speaking] = (start, start)

    def speech_stopped(self, event: Event) -> None:
        item = event.text("item_id")
        end = self.box.clock.recording_ms(max(0, event.count("audio_end_ms") - self.silence_ms))
        start, _ = self.spans.get(item, (end, end))
        self.spans[item] = (start, end)

    def committed(self, event: Event) -> bool:
        """Put a spoken turn in its place before its words are known. Return False if it already stands there."""
        item = event.text("item_id")
        self.has_spoken = True
        if item == self.speaking:
            self.speaking = None
        entry = self.transcript.place(item, Role.COUNSELOR, event.maybe_text("previous_item_id"))
        if entry.shown:
            return False
        now = self._now_ms()
        entry.start_ms, entry.end_ms = self.spans.pop(item, (now, now))
        self.untranscribed[item] = entry
        self.transcript.save(entry)
        return True

    def transcribed(self, item: str, text: str) -> None:
        """The words of a turn, whenever they come; the first word on it is the last."""
        entry = self.untranscribed.pop(item, None)
        if entry is not None:
            self._finish(entry, text.strip() or INAUDIBLE)

    def give_up(self) -> None:
        """Nothing more will be transcribed."""
        for item in list(self.untranscribed):
            self.transcribed(item, INAUDIBLE)

    def commit_last_words(self) -> None:
        """The call is over in the middle of speech: have it transcribed without waiting for a silence."""
        if self.speaking:
            self.box.ask({"type": "input_audio_buffer.commit"})

    @property
    def has_words_to_come(self) -> bool:
        return bool(self.speaking or self.untranscribed)

    def _finish(self, entry: Entry, text: str) -> None:
        self.has_spoken = True
        entry.text_generated = entry.text_heard = text
        entry.final = True
        self.transcript.save(entry)

    def _now_ms(self) -> int:
        return self.recorder.position() // SAMPLES_PER_MS
