"""G.711 mu-law, the 8-bit code of telephone audio at 8 kHz."""

import numpy as np
from numpy.typing import NDArray

BIAS = 132  # added to a sample's magnitude before encoding, so that every code has a leading bit


def decode_mulaw(data: bytes) -> NDArray[np.int16]:
    """Return the PCM16 samples of mu-law bytes."""
    code = np.frombuffer(data, dtype=np.uint8) ^ 0xFF
    magnitude = (((code & 15).astype(np.int32) << 3) + BIAS << ((code >> 4) & 7)) - BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)
