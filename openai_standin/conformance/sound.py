"""What can be heard: a tone, the room, or nothing. PCM16, mono, 24 kHz."""

import math
import random
import struct

RATE = 24_000
FRAME = RATE // 50
_TONE = [round(9000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(RATE // 10)]


def tone(ms: int) -> bytes:
    samples = ms * RATE // 1000
    whole = _TONE * (samples // len(_TONE) + 1)
    return struct.pack(f"<{samples}h", *whole[:samples])


def room(ms: int, loudness: int = 25) -> bytes:
    """Comfort noise: what a line carries while nobody speaks."""
    noise = random.Random(ms)
    return struct.pack(
        f"<{ms * RATE // 1000}h", *(noise.randint(-loudness, loudness) for _ in range(ms * RATE // 1000))
    )


def silence(ms: int) -> bytes:
    return bytes(2 * ms * RATE // 1000)
