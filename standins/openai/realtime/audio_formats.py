"""Audio formats on the wire, with conversion to and from the PCM16 at 24 kHz that everything else uses."""

import numpy as np
from numpy.typing import NDArray

from ..demo.text_to_speech import MULAW_TABLE, resample
from ..http.json_types import JSON, JSONValue, as_object, as_text
from .beta_api import FORMAT_NAMES
from .server_vad import BYTES_PER_MS, SAMPLE_RATE

G711_RATE = 8_000
FACTOR = SAMPLE_RATE // G711_RATE
G711_BYTES_PER_MS = G711_RATE // 1000

Samples = NDArray[np.int16]


def _alaw_table() -> Samples:
    """Return the sample for each of the 256 G.711 A-law codes."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 128, magnitude, -magnitude).astype(np.int16)


DECODING_TABLES: dict[str, Samples] = {"audio/pcmu": MULAW_TABLE, "audio/pcma": _alaw_table()}


def normalize_format(wanted: JSONValue) -> JSON:
    """Return a format as the API shows it. Accept an object or a name, from the current or the beta API."""
    name = wanted if isinstance(wanted, str) else as_text(as_object(wanted).get("type"))
    name = FORMAT_NAMES.get(name, name)
    return {"type": name, "rate": SAMPLE_RATE} if name == "audio/pcm" else {"type": name}


def encode(pcm: bytes, name: str) -> bytes:
    """Encode PCM16 at 24 kHz in the named format."""
    if name not in DECODING_TABLES:
        return pcm
    samples = resample(np.frombuffer(pcm, dtype="<i2"), SAMPLE_RATE, G711_RATE)
    return _nearest_codes(samples, DECODING_TABLES[name]).tobytes()


def _nearest_codes(samples: NDArray[np.float64], table: Samples) -> NDArray[np.uint8]:
    """Return the code with the nearest value for each sample."""
    order = np.argsort(table, kind="stable")
    values = table[order].astype(np.float64)
    bounds = (values[1:] + values[:-1]) / 2
    return order[np.searchsorted(bounds, samples)].astype(np.uint8)


def encoded_bytes_per_ms(name: str) -> int:
    return G711_BYTES_PER_MS if name in DECODING_TABLES else BYTES_PER_MS


class InputDecoder:
    """Decoder for appended audio. It interpolates across the boundaries of the pieces."""

    def __init__(self) -> None:
        self._last = 0.0

    def decode(self, audio: bytes, name: str) -> bytes:
        """Return the audio as PCM16 at 24 kHz."""
        if name not in DECODING_TABLES or not audio:
            return audio
        samples = DECODING_TABLES[name][np.frombuffer(audio, dtype=np.uint8)].astype(np.float64)
        known = np.concatenate([[self._last], samples])
        self._last = float(samples[-1])
        places = np.arange(1, len(samples) * FACTOR + 1) / FACTOR
        return np.interp(places, np.arange(len(known)), known).round().astype("<i2").tobytes()
