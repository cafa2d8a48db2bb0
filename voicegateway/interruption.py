"""Does the counselor interrupt the caller, or only say "mm-hm"?"""

import re

from voicegateway.briefing import Limits
from voicegateway.wire import RATE

# Short as they are, nobody says them to encourage.
HALTING = frozenset(["wait", "stop", "no", "hold", "hang", "sorry", "excuse", "listen", "pause", "slow", "what"])


class Suspicion:
    """Speech over the caller, judged frame by frame since it was noticed. What counts is what is said in one go."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.voiced = 0
        self.quiet = 0

    def hear(self, samples: int, is_voiced: bool) -> None:
        if not is_voiced:
            self.quiet += samples
            return
        if self.has_gone_quiet:
            self.voiced = 0  # the next "mm-hm" is not the rest of the last one
        self.voiced += samples
        self.quiet = 0

    @property
    def is_a_turn(self) -> bool:
        return self.voiced * 1000 >= self.limits.voiced_ms_of_a_turn * RATE

    @property
    def has_gone_quiet(self) -> bool:
        """The caller may go on before the upstream notices the silence, which takes it long."""
        return self.quiet * 1000 >= self.limits.quiet_ms_of_an_encourager * RATE


def is_halting(text: str) -> bool:
    """Whether words too short for a turn ask the caller to stop or to answer all the same."""
    return "?" in text or not HALTING.isdisjoint(re.findall(r"[a-z]+", text.lower()))
