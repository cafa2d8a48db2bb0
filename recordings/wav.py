"""The 44 bytes in front of PCM16 audio that make it a WAV file."""

import struct

HEADER_SIZE = 44
MOST_BYTES = 0xFFFFFFFF - 36


def wav_header(frames: int, channels: int, rate: int) -> bytes:
    """The header of exactly so many frames; ValueError where a WAV file cannot hold them (4 GiB)."""
    width = channels * 2
    size = frames * width
    if not 0 <= size <= MOST_BYTES:
        raise ValueError(f"A WAV file cannot hold {size} bytes of audio")
    form = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * width, width, 16)
    return form + layout + struct.pack("<4sI", b"data", size)
