import numpy as np
import pytest

from standins.openai.demo import text_to_speech
from standins.openai.demo.callers import ALL_CALLERS, DANA
from standins.openai.demo.render_lines import encode_mulaw

MAX_FOLDER_BYTES = 2_000_000


def samples(pcm):
    return np.frombuffer(pcm, dtype="<i2").astype(float)


@pytest.mark.parametrize("line", [line for caller in ALL_CALLERS for line in caller.lines])
def test_scripted_line_has_an_audio_file_of_plausible_length(line):
    audio = samples(text_to_speech.synthesize(line))

    seconds = len(audio) / text_to_speech.SAMPLE_RATE
    assert text_to_speech.line_file(line).exists()
    assert 0.03 * len(line) < seconds < 0.15 * len(line)
    assert np.sqrt((audio**2).mean()) > 1_000


def test_lines_folder_is_small_and_holds_only_scripted_lines():
    wanted = {text_to_speech.line_file(line) for caller in ALL_CALLERS for line in caller.lines}
    found = set(text_to_speech.LINES_FOLDER.iterdir())

    assert found == wanted
    assert sum(path.stat().st_size for path in found) < MAX_FOLDER_BYTES


def test_upsample_keeps_the_tone_without_aliases():
    clock = np.arange(8_000) / 8_000
    tone = (np.sin(2 * np.pi * 1_000 * clock) * 10_000).astype(np.int16)

    spectrum = np.abs(np.fft.rfft(text_to_speech.upsample(tone)))

    assert spectrum.argmax() == 1_000
    assert spectrum[4_500:].max() < spectrum.max() / 100


def test_mulaw_round_trip_is_close():
    tone = (np.sin(np.arange(8_000) / 10) * 12_000).astype(np.int16)

    decoded = text_to_speech.MULAW_TABLE[encode_mulaw(tone)]

    assert np.abs(decoded.astype(int) - tone).max() < 600


def test_unscripted_text_is_hummed_without_espeak(monkeypatch):
    monkeypatch.setenv("PATH", "")
    text_to_speech.synthesize.cache_clear()

    audio = samples(text_to_speech.synthesize("A line that nobody wrote down, with nine words."))

    assert 1.5 < len(audio) / text_to_speech.SAMPLE_RATE < 6
    assert np.abs(audio).max() > 8_000


def test_unscripted_text_is_spoken_by_espeak():
    if text_to_speech.shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    text_to_speech.synthesize.cache_clear()

    audio = samples(text_to_speech.synthesize("Another line that nobody wrote down."))

    assert 1 < len(audio) / text_to_speech.SAMPLE_RATE < 6


def test_scripted_line_is_played_from_its_file():
    shipped = np.fromfile(text_to_speech.line_file(DANA.story[0]), dtype=np.uint8)

    assert len(text_to_speech.synthesize(DANA.story[0])) == len(shipped) * 3 * 2
