"""Test audio as PCM16 mono at 24 kHz: a tone, room noise, and silence."""

import math
import random
import struct

SAMPLE_RATE = 24_000
FRAME_SAMPLES = SAMPLE_RATE // 50
_TONE = [round(9000 * math.sin(2 * math.pi * 440 * n / SAMPLE_RATE)) for n in range(SAMPLE_RATE // 10)]


def tone(ms: int) -> bytes:
    samples = ms * SAMPLE_RATE // 1000
    whole = _TONE * (samples // len(_TONE) + 1)
    return struct.pack(f"<{samples}h", *whole[:samples])


def room_noise(ms: int, loudness: int = 25) -> bytes:
    """Return comfort noise, the signal of an open line on which no one speaks."""
    noise = random.Random(ms)
    return struct.pack(
        f"<{ms * SAMPLE_RATE // 1000}h", *(noise.randint(-loudness, loudness) for _ in range(ms * SAMPLE_RATE // 1000))
    )


def silence(ms: int) -> bytes:
    return bytes(2 * ms * SAMPLE_RATE // 1000)
