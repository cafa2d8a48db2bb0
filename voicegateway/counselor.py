"""The counselor's side: the microphone on its way up, and what the upstream makes of it."""

from binascii import b2a_base64
from collections import deque
from uuid import uuid4

from voicegateway.briefing import INAUDIBLE, Limits, Role, Source
from voicegateway.ear import Ear
from voicegateway.events import Event
from voicegateway.outbox import SAMPLES_PER_MS, Outbox, Sound
from voicegateway.ports import Recorder
from voicegateway.transcript import Entry, Transcript
from voicegateway.wire import RATE, Frame

APPEND_HEAD, APPEND_TAIL = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
BEFORE_SPEECH = RATE // 2  # speech is noticed a little after it began


class Counselor:
    def __init__(
        self, box: Outbox, recorder: Recorder, transcript: Transcript, limits: Limits, silence_ms: int
    ) -> None:
        self.box = box
        self.recorder = recorder
        self.transcript = transcript
        self.limits = limits
        self.silence_ms = silence_ms
        self.ear = Ear(limits)
        self.is_muted = False
        self.has_spoken = False
        self.speaking: str | None = None
        self.spans: dict[str, tuple[int, int]] = {}  # ms on the upstream's clock
        self.committed_until = 0
        self.untranscribed: dict[str, Entry] = {}
        # What a broken connection takes along if it breaks now: the words under way, and those not yet transcribed.
        self.said: deque[Sound] = deque()
        self.said_samples = 0
        self.says_again = False
        self.to_be_said_again: deque[Entry] = deque()

    def hear(self, frame: Frame) -> None:
        """Pass sound up and to the recorder: silence while muted, because the upstream's clock must go on."""
        pcm = bytes(len(frame.pcm)) if self.is_muted else frame.pcm
        position = self.recorder.hear(pcm, frame.index)
        event = APPEND_HEAD + b2a_base64(pcm, newline=False) + APPEND_TAIL
        is_audible = self.ear.hear(pcm, self.box.upstream_end)
        self._pass_on(Sound(event, frame.samples, position, is_audible))

    def _pass_on(self, sound: Sound) -> None:
        lost = self.box.microphone_lost
        self.box.pass_on(sound)
        if self.box.microphone_lost > lost:
            self.ear.was_lost(self.box.microphone_lost - lost, self.box.clock.samples)
        self.said.append(sound)
        self.said_samples += sound.samples
        kept = self.limits.said_again * RATE if self.has_words_to_come or self.says_again else BEFORE_SPEECH
        while self.said_samples > kept:
            self.said_samples -= self.said.popleft().samples

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

    # What upstream hears

    def speech_started(self, event: Event) -> None:
        item, start = event.id("item_id"), event.count("audio_start_ms")
        if item in self.untranscribed or self.transcript.get(item):
            return
        self.speaking = item
        self.spans[item] = (start, start)

    def speech_stopped(self, event: Event) -> None:
        item = event.id("item_id")
        end = max(0, event.count("audio_end_ms") - self.silence_ms)
        start, _ = self.spans.get(item, (end, end))
        self.spans[item] = (start, max(start, end))

    def committed(self, event: Event) -> bool:
        """Put a spoken turn in its place before its words are known. Return False if there is none to be answered."""
        item = event.id("item_id")
        if item == self.speaking:
            self.speaking = None
        entry = self.transcript.get(item)
        if entry and (entry.shown or item in self.untranscribed):
            return False
        previous = event.previous_item()
        entry = self.transcript.place(item, Role.COUNSELOR, previous)
        start, end = self._span(item)
        if self.ear.voiced_ms(start, end) < self.limits.voiced_ms_of_any_word:
            # The microphone was silent: whatever words upstream finds in it, nobody said them.
            self.box.ask({"type": "conversation.item.delete", "item_id": item})
            return False
        self.has_spoken = True
        entry = self._said_again(item, entry)
        if not entry.shown:
            clock = self.box.clock
            entry.start_ms, entry.end_ms = clock.recording_ms(start), clock.recording_ms(end)
        self.untranscribed[item] = entry
        self.transcript.save(entry)
        return True

    def _span(self, item: str) -> tuple[int, int]:
        now = self.box.clock.samples // SAMPLES_PER_MS
        start, end = self.spans.pop(item, (self.committed_until, now))
        if end <= start:
            end = now
        self.committed_until = end
        return start, end

    def transcribed(self, item: str, text: str) -> None:
        """The words of a turn, whenever they come; the first word on it is the last."""
        entry = self.untranscribed.pop(item, None)
        if entry is not None:
            self._finish(entry, text.strip() or INAUDIBLE)

    def give_up(self) -> None:
        """Nothing more will be transcribed."""
        for entry in self.to_be_said_again:
            self._finish(entry, INAUDIBLE)
        self.to_be_said_again.clear()
        for item in list(self.untranscribed):
            self.transcribed(item, INAUDIBLE)

    def commit_last_words(self) -> None:
        """The call is over in the middle of speech: have it transcribed without waiting for a silence."""
        if self.speaking:
            self.box.ask({"type": "input_audio_buffer.commit"})

    @property
    def has_words_to_come(self) -> bool:
        return bool(self.speaking or self.untranscribed or self.to_be_said_again)

    # When the connection is another one

    def lose_session(self) -> None:
        """Keep the sound of what was not understood yet, to have it understood by the next connection."""
        self.says_again = self.says_again or self.has_words_to_come
        since = self.said[0].position // SAMPLES_PER_MS if self.said else self._now_ms()
        for entry in self.untranscribed.values():
            if entry.end_ms > since:
                self.to_be_said_again.append(entry)
            else:
                self._finish(entry, INAUDIBLE)
        self.untranscribed.clear()
        self.spans.clear()
        self.speaking, self.committed_until = None, 0

    def take_what_is_said_again(self) -> list[Sound]:
        again = list(self.said) if self.says_again else []
        self.says_again = False
        return again

    def begin_session(self) -> None:
        """The next connection's clock counts from the first sound that it is sent."""
        self.ear.begin_session()
        at = 0
        for sound in self.box.sounds():
            if sound.is_audible:
                self.ear.remember(at, at + sound.samples)
            at += sound.samples

    def _said_again(self, item: str, entry: Entry) -> Entry:
        """The turn that this item says once more; without one to be said again it is a turn of its own."""
        if not self.to_be_said_again:
            return entry
        earlier = self.to_be_said_again.popleft()
        self.transcript.again(item, earlier)
        return earlier

    def _finish(self, entry: Entry, text: str) -> None:
        self.has_spoken = True
        entry.text_generated = entry.text_heard = text
        entry.final = True
        self.transcript.save(entry)

    def _now_ms(self) -> int:
        return self.recorder.position() // SAMPLES_PER_MS
