"""Barge-in detection: overlapping speech that interrupts the caller, as opposed to backchannels such as "mm-hm"."""

import re

from voicegateway.browser.protocol import RATE
from voicegateway.conversation.call_config import Limits

# Short words that are never backchannels.
INTERRUPTING_WORDS = frozenset(
    ["wait", "stop", "no", "hold", "hang", "sorry", "excuse", "listen", "pause", "slow", "what"]
)


class OverlappingSpeech:
    """Counselor speech over the caller, measured frame by frame. Only one continuous stretch of speech counts."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.voiced_samples = 0  # in the current stretch of speech
        self.quiet_samples = 0  # since the last voiced frame

    def add_frame(self, samples: int, is_voiced: bool) -> None:
        if not is_voiced:
            self.quiet_samples += samples
            return
        if self.has_gone_quiet:
            self.voiced_samples = 0  # a new "mm-hm" does not continue the last one
        self.voiced_samples += samples
        self.quiet_samples = 0

    @property
    def is_barge_in(self) -> bool:
        return self.voiced_samples * 1000 >= self.limits.barge_in_min_speech_ms * RATE

    @property
    def has_gone_quiet(self) -> bool:
        """Return True once the counselor has been quiet long enough for the caller to resume.

        Upstream needs much longer to notice the silence.
        """
        return self.quiet_samples * 1000 >= self.limits.resume_after_quiet_ms * RATE


def is_interruption(text: str) -> bool:
    """Return True if the text of a short utterance asks the caller to stop or to answer."""
    return "?" in text or not INTERRUPTING_WORDS.isdisjoint(re.findall(r"[a-z]+", text.lower()))
