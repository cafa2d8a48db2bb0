import json
import subprocess
import wave
from io import BytesIO

import pytest

from recordings.audio.wav_header import wav_header
from tests.support.servers import require_program


def test_header_matches_wave_module():
    audio = bytes(range(200)) * 2

    with wave.open(BytesIO(wav_header(100, 2, 24_000) + audio)) as file:
        parameters = (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes())
        frames = file.readframes(1000)

    assert parameters == (2, 2, 24_000, 100)
    assert frames == audio


@pytest.mark.parametrize("frames", [0, 1, 3, 1_073_741_814])
def test_header_is_44_bytes_with_exact_sizes(frames):
    header = wav_header(frames, 2, 24_000)

    assert len(header) == 44
    assert int.from_bytes(header[4:8], "little") == 36 + frames * 4
    assert int.from_bytes(header[40:44], "little") == frames * 4


@pytest.mark.parametrize("frames", [1_073_741_815, 2**32 - 1, -1])
def test_header_rejects_audio_over_wav_limit(frames):
    with pytest.raises(ValueError):
        wav_header(frames, 2, 24_000)


@pytest.mark.parametrize("frames", [1, 2, 3, 479, 24_000, 36_001])
def test_ffprobe_accepts_files_of_any_length(tmp_path, frames):
    ffprobe = require_program("ffprobe")
    path = tmp_path / "call.wav"
    path.write_bytes(wav_header(frames, 2, 24_000) + bytes(range(1, 5)) * frames)

    command = [str(ffprobe), "-v", "error", "-of", "json", "-show_streams", str(path)]
    probed = subprocess.run(command, capture_output=True, check=True, timeout=60)
    stream = json.loads(probed.stdout)["streams"][0]

    assert probed.stderr == b""
    assert (stream["codec_name"], stream["sample_rate"], stream["channels"]) == ("pcm_s16le", "24000", 2)
    assert stream["duration_ts"] == frames
