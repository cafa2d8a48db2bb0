import numpy as np
import pytest

from recordings.audio.assembly import StereoBlock
from recordings.audio.microphone_clock import SAMPLE_RATE
from recordings.audio.speech_coverage import SpeakerCoverage, SpeechMeter, missing_speakers


def test_speech_meter_is_independent_of_block_size():
    rng = np.random.default_rng(1)
    voice, silence = rng.normal(0, 30, 4 * SAMPLE_RATE).astype("<i2"), np.zeros(4 * SAMPLE_RATE, "<i2")
    voice[SAMPLE_RATE : 3 * SAMPLE_RATE] = rng.normal(0, 3000, 2 * SAMPLE_RATE)
    meter = SpeechMeter()

    for start in range(0, 4 * SAMPLE_RATE, 7001):
        meter.add(StereoBlock(voice[start : start + 7001], silence[start : start + 7001]))

    assert meter.seconds == (pytest.approx(2, abs=0.03), 0)


@pytest.mark.parametrize(
    ("words", "seconds", "is_missing"),
    [(0, 0.0, False), (3, 0.0, False), (4, 0.0, True), (40, 1.9, True), (40, 2.1, False), (400, 120.0, False)],
)
def test_speaker_with_words_but_without_sound_is_missing(words, seconds, is_missing):
    assert SpeakerCoverage("caller", words, seconds).is_missing is is_missing


def test_missing_speakers_are_named_in_order():
    silent, heard = SpeakerCoverage("counselor", 50, 0.0), SpeakerCoverage("caller", 50, 20.0)

    assert missing_speakers([heard]) == ()
    assert missing_speakers([silent, heard]) == ("counselor",)
    assert missing_speakers([silent, SpeakerCoverage("caller", 50, 0.0)]) == ("counselor", "caller")
