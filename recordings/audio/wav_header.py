"""WAV header for PCM16 audio."""

import struct

HEADER_SIZE = 44  # bytes
MAX_DATA_BYTES = 0xFFFFFFFF - 36


def wav_header(frames: int, channels: int, rate: int) -> bytes:
    """Return the header for `frames` frames. Raise ValueError if they exceed a WAV file's limit of 4 GiB."""
    width = channels * 2
    size = frames * width
    if not 0 <= size <= MAX_DATA_BYTES:
        raise ValueError(f"A WAV file cannot hold {size} bytes of audio")
    riff_header = struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE")
    format_chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate * width, width, 16)
    return riff_header + format_chunk + struct.pack("<4sI", b"data", size)
