"""Counselor's side of a conversation: microphone audio to upstream, and the turns that upstream finds in it."""

from collections import deque
from uuid import uuid4

from pybase64 import b64encode

from accounts.web.visible_text import strip_blank
from training.transcript import INAUDIBLE_TEXT, SpeakerRole, TurnSource
from voicegateway.browser.protocol import SAMPLE_RATE, AudioFrame
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.ports import Recorder
from voicegateway.conversation.send_queue import SAMPLES_PER_MS, MicrophoneChunk, SendQueue
from voicegateway.conversation.transcript import Transcript, TranscriptEntry
from voicegateway.conversation.voice_activity import VoiceActivityDetector
from voicegateway.upstream.server_events import ServerEvent

APPEND_HEAD, APPEND_TAIL = b'{"type":"input_audio_buffer.append","audio":"', b'"}'
PREROLL_SAMPLES = SAMPLE_RATE // 2  # speech is detected a little after it begins


class RecentAudio:
    """Latest microphone audio, kept so that speech that is lost with a connection can be replayed to the next one."""

    def __init__(self) -> None:
        self.chunks: deque[MicrophoneChunk] = deque()
        self.samples = 0

    def add(self, chunk: MicrophoneChunk, max_samples: float) -> None:
        """Add a chunk, and drop the oldest ones beyond `max_samples`."""
        self.chunks.append(chunk)
        self.samples += chunk.samples
        while self.samples > max_samples:
            self.samples -= self.chunks.popleft().samples

    @property
    def start(self) -> int | None:
        """First sample on the recording's clock; None while there is no audio."""
        return self.chunks[0].position if self.chunks else None


class CounselorSide:
    """Counselor's half of a conversation."""

    def __init__(
        self, send_queue: SendQueue, recorder: Recorder, transcript: Transcript, limits: Limits, silence_ms: int
    ) -> None:
        self.send_queue = send_queue
        self.recorder = recorder
        self.transcript = transcript
        self.limits = limits
        self.silence_ms = silence_ms
        self.voice_activity = VoiceActivityDetector(limits)
        self.is_muted = False
        self.has_spoken = False
        self.speaking_item: str | None = None
        self.speech_bounds: dict[str, tuple[int, int]] = {}  # start and end, in ms on the upstream's clock
        self.committed_until_ms = 0  # on the upstream's clock
        self.untranscribed: dict[str, TranscriptEntry] = {}
        # Audio that would be lost with the connection: speech under way, and speech not yet transcribed.
        self.recent_audio = RecentAudio()
        self.needs_replay = False  # the next connection must receive `recent_audio` again
        self.replayed_entries: deque[TranscriptEntry] = deque()  # turns whose transcripts are expected from the replay

    def receive_audio(self, frame: AudioFrame) -> None:
        """Send a frame to upstream and the recorder. While muted, send silence: the upstream's clock must not stop."""
        pcm = bytes(len(frame.pcm)) if self.is_muted else frame.pcm
        position = self.recorder.record_microphone(pcm, frame.index)
        event = APPEND_HEAD + b64encode(pcm) + APPEND_TAIL
        is_audible = self.voice_activity.detect(pcm, self.send_queue.next_upstream_sample)
        self._queue_audio(MicrophoneChunk(event, frame.samples, position, is_audible))

    def _queue_audio(self, chunk: MicrophoneChunk) -> None:
        dropped_before = self.send_queue.dropped_samples
        self.send_queue.add_audio(chunk)
        dropped = self.send_queue.dropped_samples - dropped_before
        if dropped:
            self.voice_activity.remove_dropped(dropped, self.send_queue.clock.samples)
        is_needed = self.has_pending_speech or self.needs_replay
        self.recent_audio.add(chunk, self.limits.max_replayed_speech * SAMPLE_RATE if is_needed else PREROLL_SAMPLES)

    def set_muted(self, on: bool) -> None:
        self.is_muted = on
        self.recorder.set_muted(on)

    def add_typed_turn(self, text: str) -> None:
        """Add a typed turn, which is final at once."""
        item = f"item_{uuid4().hex[:24]}"
        content = [{"type": "input_text", "text": text}]
        message = {"id": item, "type": "message", "role": "user", "content": content}
        self.send_queue.add_event({"type": "conversation.item.create", "item": message})
        entry = self.transcript.place(item, SpeakerRole.COUNSELOR, source=TurnSource.TYPED)
        now_ms = self._now_ms()
        entry.update(start_ms=now_ms, end_ms=now_ms)
        self._finish_entry(entry, text)

    # Events from upstream

    def speech_started(self, event: ServerEvent) -> None:
        item, start = event.id("item_id"), event.count("audio_start_ms")
        if item in self.untranscribed or self.transcript.get(item):
            return
        self.speaking_item = item
        self.speech_bounds[item] = (start, start)

    def speech_stopped(self, event: ServerEvent) -> None:
        item = event.id("item_id")
        end = max(0, event.count("audio_end_ms") - self.silence_ms)
        start, _ = self.speech_bounds.get(item, (end, end))
        self.speech_bounds[item] = (start, max(start, end))

    def committed(self, event: ServerEvent) -> bool:
        """Place a spoken turn in the transcript before its text is known. Return False if it needs no answer."""
        item = event.id("item_id")
        if item == self.speaking_item:
            self.speaking_item = None
        entry = self.transcript.get(item)
        if entry and (entry.is_shown or item in self.untranscribed):
            return False
        previous = event.previous_item()
        entry = self.transcript.place(item, SpeakerRole.COUNSELOR, previous)
        start, end = self._take_speech_bounds(item)
        if self.voice_activity.audible_ms(start, end) < self.limits.min_word_ms:
            # The microphone was silent, so any words that upstream finds in this audio are made up.
            self.send_queue.add_event({"type": "conversation.item.delete", "item_id": item})
            return False
        self.has_spoken = True
        entry = self._match_replayed_entry(item, entry)
        if not entry.is_shown:
            clock = self.send_queue.clock
            entry.update(start_ms=clock.recording_ms(start), end_ms=clock.recording_ms(end))
        self.untranscribed[item] = entry
        self.transcript.revise(entry)
        return True

    def _take_speech_bounds(self, item: str) -> tuple[int, int]:
        now = self.send_queue.clock.samples // SAMPLES_PER_MS
        start, end = self.speech_bounds.pop(item, (self.committed_until_ms, now))
        if end <= start:
            end = now
        self.committed_until_ms = end
        return start, end

    def set_transcript(self, item: str, text: str) -> None:
        """Set the text of a turn and make it final. Later transcripts of the same item are ignored."""
        entry = self.untranscribed.pop(item, None)
        if entry is not None:
            self._finish_entry(entry, strip_blank(text) or INAUDIBLE_TEXT)

    def finish_untranscribed(self) -> None:
        """Make every untranscribed turn final as inaudible, because no more transcripts will arrive."""
        for entry in self.replayed_entries:
            self._finish_entry(entry, INAUDIBLE_TEXT)
        self.replayed_entries.clear()
        for item in list(self.untranscribed):
            self.set_transcript(item, INAUDIBLE_TEXT)

    def commit_last_words(self) -> None:
        """Commit speech under way at the end of the call, so that it is transcribed without waiting for a silence."""
        if self.speaking_item:
            self.send_queue.add_event({"type": "input_audio_buffer.commit"})

    @property
    def has_pending_speech(self) -> bool:
        return bool(self.speaking_item or self.untranscribed or self.replayed_entries)

    # Connection changes

    def end_session(self) -> None:
        """Keep untranscribed turns for a replay to the next connection; finish those whose audio is gone."""
        self.needs_replay = self.needs_replay or self.has_pending_speech
        start = self.recent_audio.start
        since = self._now_ms() if start is None else start // SAMPLES_PER_MS
        for entry in self.untranscribed.values():
            if (entry.turn.end_ms or 0) > since:
                self.replayed_entries.append(entry)
            else:
                self._finish_entry(entry, INAUDIBLE_TEXT)
        self.untranscribed.clear()
        self.speech_bounds.clear()
        self.speaking_item, self.committed_until_ms = None, 0

    def take_replay(self) -> list[MicrophoneChunk]:
        replay = list(self.recent_audio.chunks) if self.needs_replay else []
        self.needs_replay = False
        return replay

    def begin_session(self) -> None:
        """Restart voice activity on the new connection's clock, which counts from the first audio it receives."""
        self.voice_activity.begin_session()
        position = 0
        for chunk in self.send_queue.queued_audio():
            if chunk.is_audible:
                self.voice_activity.add_span(position, position + chunk.samples)
            position += chunk.samples

    def _match_replayed_entry(self, item: str, entry: TranscriptEntry) -> TranscriptEntry:
        """Return the turn that this item replays, or the item's own entry if no replay is due."""
        if not self.replayed_entries:
            return entry
        replayed = self.replayed_entries.popleft()
        self.transcript.add_alias(item, replayed)
        return replayed

    def _finish_entry(self, entry: TranscriptEntry, text: str) -> None:
        self.has_spoken = True
        entry.update(text_generated=text, text_heard=text, is_final=True)
        self.transcript.revise(entry)

    def _now_ms(self) -> int:
        return self.recorder.position() // SAMPLES_PER_MS
