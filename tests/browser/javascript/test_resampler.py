"""The JavaScript module `resampler.js` in a real browser."""

import math

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


@pytest.mark.parametrize("rate", [48000, 44100, 16000, 24000, 96000])
def test_resampler_keeps_duration_and_pitch(page: Page, rate: int) -> None:
    heard = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        const resampler = new Resampler(argument, 24000);
        const tone = sine(argument, 440, 1);
        const out = new Float32Array(25000);
        let count = 0;
        for (let at = 0; at < tone.length; at += 128) {
          resampler.push(tone.subarray(at, at + 128));
          count += resampler.pull(out, count);
        }
        resampler.finish();
        count += resampler.pull(out, count);
        let worst = 0;
        for (let i = 100; i < count - 100; i++) {
          worst = Math.max(worst, Math.abs(out[i] - 0.5 * Math.sin((2 * Math.PI * 440 * i) / 24000)));
        }
        return { count, worst };
        """,
        rate,
    )

    # Each sample matches the tone: the pitch is right, no sample is lost, and block boundaries do not click.
    assert heard["count"] == 24000
    assert heard["worst"] < 0.001


def test_resampler_filters_frequencies_above_the_output_band(page: Page) -> None:
    loudness = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        const { loudness } = await from("microphone-core");
        const resampler = new Resampler(48000, 24000);
        resampler.push(sine(48000, 15000, 1));
        const out = new Float32Array(24000);
        const count = resampler.pull(out);
        return loudness(out.subarray(100, count - 100));
        """,
    )

    assert loudness < 0.001


def test_resampler_reports_the_input_that_it_needs(page: Page) -> None:
    counts = run_script(
        page,
        """
        const { Resampler } = await from("resampler");
        return [48000, 44100, 16000].map((rate) => {
          const resampler = new Resampler(24000, rate);
          const pulled = [];
          for (let block = 0; block < 500; block++) {
            resampler.push(new Float32Array(resampler.needed(128)));
            pulled.push(resampler.pull(new Float32Array(128)));
          }
          return [Math.min(...pulled), resampler.needed(1) <= 4, resampler.position];
        });
        """,
    )

    assert counts == [[128, True, math.floor(500 * 128 * 24000 / rate)] for rate in (48000, 44100, 16000)]
