"""One utterance of the caller: its unsent audio, and how much of it was heard."""

from dataclasses import dataclass, field
from enum import Enum, auto

from ai.thinking import remove_thinking
from voicegateway.browser.protocol import MAX_FRAME_SAMPLES, MIN_FRAME_SAMPLES, SAMPLE_RATE, AudioFrame
from voicegateway.conversation.voice_activity import root_mean_square

MAX_CHARACTERS_PER_SECOND = 25  # characters spoken per second, at most


class PlaybackState(Enum):
    IN_PROGRESS = auto()
    COMPLETED = auto()
    INTERRUPTED = auto()


@dataclass(slots=True, eq=False)
class CallerItem:
    """Utterance of the caller on its way to the player. Audio is counted in samples."""

    id: str  # upstream's id
    response: str = ""  # id of its response
    number: int = 0  # the player's number for it, assigned with its first audio; 0 before
    content_index: int = 0  # upstream's index of the audio within the item
    unsent: bytearray = field(default_factory=bytearray)  # PCM16 not yet sent to the player
    received: int = 0  # samples from upstream, including dropped ones
    sent: int = 0  # samples sent to the player
    played: int = 0  # samples played, according to the player's reports
    played_at_mic_sample: int = 0  # microphone sample of the latest report
    start_ms: int | None = None  # start of playback on the recording's clock
    text: str = ""  # generated text so far, without the model's thinking
    raw_text: str = ""  # the same, as it arrived
    has_all_audio: bool = False
    has_all_text: bool = False
    is_end_sent: bool = False  # the player was told that the item is complete
    is_audible: bool = False  # some of its audio is louder than silence
    is_incomplete: bool = False  # its connection was lost before all of it arrived
    is_deleted: bool = False  # deleted upstream, because none of it was heard
    is_truncated: bool = False  # truncated upstream to the part that was heard
    playback: PlaybackState = PlaybackState.IN_PROGRESS
    text_shown_at: float = float("-inf")  # time of the latest live text update

    def add_audio(self, pcm: bytes, max_unsent: int, audible_rms: float) -> None:
        """Add PCM16 audio. After an interruption, or beyond `max_unsent` samples, it is counted but dropped."""
        self.is_audible = self.is_audible or root_mean_square(pcm) >= audible_rms
        self.received += len(pcm) // 2
        if self.playback is PlaybackState.IN_PROGRESS and len(self.unsent) + len(pcm) <= 2 * max_unsent:
            self.unsent += pcm

    def add_text(self, piece: str) -> None:
        self.raw_text += piece
        self.text = remove_thinking(self.raw_text, is_complete=False)

    def finish_text(self, whole: str | None = None) -> None:
        """Complete the text. If the final event has the whole text, use that."""
        self.text = remove_thinking(self.raw_text if whole is None else whole)
        self.has_all_text = True

    def next_frame(self) -> AudioFrame | None:
        """Remove and return the next frame to send, or None. Only the last frame may be shorter than 20 ms."""
        available = len(self.unsent) // 2
        if not available or (available < MIN_FRAME_SAMPLES and not self.has_all_audio):
            return None
        pcm = bytes(self.unsent[: 2 * MAX_FRAME_SAMPLES])
        del self.unsent[: 2 * MAX_FRAME_SAMPLES]
        frame = AudioFrame(self.number, self.sent, pcm)
        self.sent += frame.samples
        return frame

    @property
    def is_all_sent(self) -> bool:
        return self.has_all_audio and not self.unsent

    @property
    def was_heard_completely(self) -> bool:
        return self.has_all_audio and not self.is_incomplete and 0 < self.received <= self.played

    @property
    def played_ms(self) -> int:
        return min(self.played, self.received) * 1000 // SAMPLE_RATE

    def text_heard(self) -> str:
        """Return the text up to the current word, estimated from the share of the received audio that was played."""
        if not self.is_audible:
            return ""
        if self.was_heard_completely:
            return self.text
        share = len(self.text) * self.played // self.received
        if self.is_incomplete or not self.has_all_audio:
            # Text arrives ahead of the audio, so until all audio is here the share overestimates the heard text.
            share = min(share, self.played * MAX_CHARACTERS_PER_SECOND // SAMPLE_RATE)
        return truncate_at_word(self.text, share)


def truncate_at_word(text: str, length: int) -> str:
    """Return the whole words within the first `length` characters."""
    if length >= len(text):
        return text
    end = length
    while end and not text[end].isspace():
        end -= 1
    return text[:end].rstrip()
