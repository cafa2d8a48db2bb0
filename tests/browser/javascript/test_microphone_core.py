"""The JavaScript module `microphone-core.js` in a real browser."""

import math

from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_microphone_core_emits_indexed_frames_of_40_ms(page: Page) -> None:
    frames = run_script(
        page,
        """
        const { MicrophoneCore } = await from("microphone-core");
        const frames = [];
        const core = new MicrophoneCore(48000, (frame) => frames.push(frame));
        const tone = sine(48000, 440, 1);
        for (let at = 0; at < tone.length; at += 128) core.addSamples(tone.subarray(at, at + 128));
        return frames.map(({ index, pcm, level }) => [index, pcm.length, Math.round(level * 100), pcm[500]]);
        """,
    )

    assert [frame[:2] for frame in frames] == [[960 * number, 960] for number in range(24)]
    assert {frame[2] for frame in frames[1:]} == {35}
    expected = [round(0.5 * 32767 * math.sin(2 * math.pi * 440 * (960 * number + 500) / 24000)) for number in range(24)]
    assert max(abs(frame[3] - want) for frame, want in zip(frames, expected, strict=True)) <= 20


def test_muted_microphone_core_emits_silence_and_keeps_counting(page: Page) -> None:
    frames = run_script(
        page,
        """
        const { MicrophoneCore } = await from("microphone-core");
        const frames = [];
        const core = new MicrophoneCore(24000, (frame) => frames.push(frame));
        core.muted = true;
        core.addSamples(sine(24000, 440, 0.1));
        return frames.map(({ index, pcm, level }) => [index, Math.max(...pcm), level]);
        """,
    )

    assert frames == [[0, 0, 0], [960, 0, 0]]


def test_to_pcm16_clips_at_full_scale(page: Page) -> None:
    values = run_script(
        page, 'const { toPcm16 } = await from("microphone-core"); return [...toPcm16([0, 1, -1, 2, -2, 0.5])];'
    )

    assert values == [0, 32767, -32767, 32767, -32767, 16384]
