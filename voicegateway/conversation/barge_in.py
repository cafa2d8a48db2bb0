"""Barge-in detection: overlapping speech that interrupts the caller, as opposed to backchannels such as "mm-hm"."""

import re

from voicegateway.browser.protocol import SAMPLE_RATE
from voicegateway.conversation.call_config import Limits
from voicegateway.conversation.caller import CallerSide

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
        return self.voiced_samples * 1000 >= self.limits.barge_in_min_speech_ms * SAMPLE_RATE

    @property
    def has_gone_quiet(self) -> bool:
        """Return True once the counselor has been quiet long enough for the caller to resume.

        Upstream needs much longer to notice the silence.
        """
        return self.quiet_samples * 1000 >= self.limits.resume_after_quiet_ms * SAMPLE_RATE


class BargeIn:
    """Detector that tells barge-ins from backchannels in the counselor's speech over the caller.

    The caller pauses as soon as the counselor speaks. A barge-in then interrupts it; after a backchannel it resumes.
    """

    def __init__(self, caller: CallerSide, limits: Limits) -> None:
        self.caller = caller
        self.limits = limits
        self.overlap: OverlappingSpeech | None = None  # speech under way that is not yet classified
        self.backchannels: set[str] = set()  # items too short to be turns
        self.late_answers: set[str] = set()  # short items during the caller's last words, which count as answers

    def start_overlap(self) -> None:
        """Pause the caller for new counselor speech, if the caller is speaking and not already being interrupted."""
        if self.caller.has_floor and not self.caller.is_being_interrupted:
            self.overlap = OverlappingSpeech(self.limits)
            self.caller.pause()

    def add_frame(self, samples: int, is_voiced: bool) -> None:
        """Add a frame to the overlap and react to it.

        Interrupt the caller for a barge-in, resume it after a backchannel, and pause it again for the next one.
        """
        overlap = self.overlap
        if overlap is None:
            return
        was_quiet = overlap.has_gone_quiet
        overlap.add_frame(samples, is_voiced)
        if overlap.is_barge_in:
            self.overlap = None
            self.caller.interrupt()
        elif overlap.has_gone_quiet:
            self.caller.resume()
        elif was_quiet and self.caller.has_floor:
            self.caller.pause()

    def finish_overlap(self, item: str) -> None:
        """Resume the caller after an overlap too short for a barge-in.

        The item is a backchannel, except during the caller's last words, where it counts as an answer.
        """
        if self.overlap is None:
            return
        self.overlap = None
        (self.late_answers if self.caller.is_finishing else self.backchannels).add(item)
        self.caller.resume()

    def forget_overlap(self) -> None:
        self.overlap = None

    def promote_backchannel(self, item: str, text: str) -> bool:
        """Make a backchannel a turn if its text asks the caller to stop or to answer. Return True if it did."""
        if item not in self.backchannels or not is_interruption(text):
            return False
        self.backchannels.discard(item)
        return True


def is_interruption(text: str) -> bool:
    """Return True if the text of a short utterance asks the caller to stop or to answer."""
    return "?" in text or not INTERRUPTING_WORDS.isdisjoint(re.findall(r"[a-z]+", text.lower()))
