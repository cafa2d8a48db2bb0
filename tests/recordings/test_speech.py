import numpy as np
import pytest

from recordings.assembly import Sound
from recordings.microphone import RATE
from recordings.speech import Loudness, Side, missing_sides


def test_what_is_loud_is_counted_however_it_comes_in_blocks():
    rng = np.random.default_rng(1)
    voice, silence = rng.normal(0, 30, 4 * RATE).astype("<i2"), np.zeros(4 * RATE, "<i2")
    voice[RATE : 3 * RATE] = rng.normal(0, 3000, 2 * RATE)
    loudness = Loudness()

    for start in range(0, 4 * RATE, 7001):
        loudness.add(Sound(voice[start : start + 7001], silence[start : start + 7001]))

    assert loudness.seconds == (pytest.approx(2, abs=0.03), 0)


@pytest.mark.parametrize(
    ("words", "seconds", "is_missing"),
    [(0, 0.0, False), (3, 0.0, False), (4, 0.0, True), (40, 1.9, True), (40, 2.1, False), (400, 120.0, False)],
)
def test_who_has_words_and_no_sound_is_missing(words, seconds, is_missing):
    assert Side("caller", words, seconds).is_missing is is_missing


def test_whoever_is_missing_is_named():
    silent, heard = Side("counselor", 50, 0.0), Side("caller", 50, 20.0)

    assert missing_sides([heard]) == ""
    assert missing_sides([silent, heard]) == ("the counselor cannot be heard where the transcript has their words")
    assert "the counselor and the caller" in missing_sides([silent, Side("caller", 50, 0.0)])
