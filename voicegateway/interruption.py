"""Does the counselor interrupt the caller, or only say "mm-hm"?"""

import numpy as np

from voicegateway.briefing import Limits
from voicegateway.wire import RATE


class Suspicion:
    """Speech over the caller, judged by the energy of the microphone since it was noticed."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.voiced = 0
        self.quiet = 0

    def hear(self, pcm: bytes) -> None:
        samples = len(pcm) // 2
        if loudness(pcm) >= self.limits.voiced_rms:
            self.voiced += samples
            self.quiet = 0
        else:
            self.quiet += samples

    @property
    def is_a_turn(self) -> bool:
        return self.voiced * 1000 >= self.limits.voiced_ms_of_a_turn * RATE

    @property
    def has_gone_quiet(self) -> bool:
        """The caller may go on before the upstream notices the silence, which takes it long."""
        return self.quiet * 1000 >= self.limits.quiet_ms_of_an_encourager * RATE


def loudness(pcm: bytes) -> float:
    """The root mean square of some PCM16."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
    return float(np.sqrt(np.mean(samples * samples))) if samples.size else 0.0
