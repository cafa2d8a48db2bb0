"""Spoken lines of the demo's past calls, shipped as mu-law at 8 kHz in `fixtures/demo/voices`.

After changing a line, render all of them again:

    python manage.py demo_lines > lines.json
    python -m standins.openai.demo.render_lines lines.json fixtures/demo/voices
"""

from functools import lru_cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from evaluation.demo.accounts import FOLDER
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.mulaw import decode_mulaw
from training.transcript import SpeakerRole

VOICES = FOLDER / "voices"
_LINE_RATE = 8_000  # samples per second
_CALLERS = {"Since the first of the month": "en-us+f4", "Two cups of coffee": "en-us+m3"}  # voices of espeak-ng
_COUNSELORS = {
    "counselor@example.org": "en-us+m1",
    "jonah@example.org": "en-us+m1",
    "maya@example.org": "en-us+f2",
    "leila@example.org": "en-us+f2",
    "grace@example.org": "en-us+f2",
    "tessa@example.org": "en-us+f2",
}


def voice_of(scenario: str, counselor: str, role: SpeakerRole) -> str:
    """Return the voice of a scenario's caller, or of the counselor with this email."""
    return _CALLERS[scenario] if role == SpeakerRole.CALLER else _COUNSELORS[counselor]


@lru_cache(maxsize=256)
def read_line(voice: str, text: str) -> NDArray[np.int16]:
    """Return a line as PCM16 mono samples at 24 kHz. Raise FileNotFoundError if it was never rendered."""
    samples = decode_mulaw((VOICES / line_name(voice, text)).read_bytes())
    count = len(samples) * SAMPLE_RATE // _LINE_RATE
    return np.interp(np.arange(count) * _LINE_RATE / SAMPLE_RATE, np.arange(len(samples)), samples).astype(np.int16)


def line_name(voice: str, text: str) -> str:
    """Return the name of a line's file. It depends on the text, so a reworded line never plays its old audio."""
    return sha256(f"{voice}\n{text}".encode()).hexdigest()[:16] + ".ulaw"
