"""The JavaScript module `player-core.js` in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script

PLAYER = """
const { PlayerCore } = await from("player-core");
const reports = [];
const player = new PlayerCore(48000, (report) => reports.push(report));
const voice = (samples, value = 8000) => new Int16Array(samples).fill(value);
let frame = 0;
const render = (blocks) => {
  const out = new Float32Array(128 * blocks);
  for (let i = 0; i < blocks; i++, frame += 128) player.render(out.subarray(128 * i, 128 * i + 128), frame);
  return out;
};
"""


def test_player_reports_progress_until_the_items_end(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        for (let at = 0; at < 12000; at += 1000) player.play(1, at, voice(1000));
        player.endItem(1);
        render(400);
        return reports;
        """,
    )

    # 200 ms are 9,600 frames; reports fall on the end of a block of 128.
    assert result == [
        {"item": 1, "samples": 4800, "final": False, "frame": 9600},
        {"item": 1, "samples": 9600, "final": False, "frame": 19200},
        {"item": 1, "samples": 12000, "final": True, "frame": 24000},
    ]


def test_player_renders_the_received_audio(page: Page) -> None:
    worst = run_script(
        page,
        PLAYER
        + """
        const { toPcm16 } = await from("microphone-core");
        const tone = toPcm16(sine(24000, 440, 1));
        for (let at = 0; at < tone.length; at += 2400) player.play(1, at, tone.subarray(at, at + 2400));
        player.endItem(1);
        const out = render(375);
        let worst = 0;
        for (let i = 100; i < 47900; i++) {
          worst = Math.max(worst, Math.abs(out[i] - 0.5 * Math.sin((2 * Math.PI * 440 * i) / 48000)));
        }
        return worst;
        """,
    )

    assert worst < 0.001


def test_player_waits_for_late_audio_and_for_the_items_end(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(480));
        render(100);
        const starved = reports.at(-1);
        player.play(1, 480, voice(480));
        render(100);
        const allPlayed = reports.at(-1);
        player.endItem(1);
        render(1);
        return [starved.samples, starved.final, allPlayed.final, reports.at(-1).samples, reports.at(-1).final];
        """,
    )

    assert result[1:] == [False, False, 960, True]
    assert 440 <= result[0] <= 480


def test_resume_continues_where_pause_stopped(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(24000));
        player.endItem(1);
        render(50);
        player.pause();
        const atPause = reports.at(-1);
        const quiet = render(200);
        const inPause = reports.length;
        player.resume();
        render(400);
        return { atPause, silence: Math.max(...quiet.subarray(128).map(Math.abs)), inPause, last: reports.at(-1) };
        """,
    )

    assert result["atPause"] == {"item": 1, "samples": 3200, "final": False, "frame": 6400}
    assert result["silence"] == 0
    assert result["inPause"] == 1
    assert result["last"] == {"item": 1, "samples": 24000, "final": True, "frame": 128 * 250 + 2 * (24000 - 3200)}


def test_flush_discards_items_and_drops_late_audio(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(3, 0, voice(24000));
        player.endItem(3);
        player.play(4, 0, voice(24000));
        render(30);
        player.pause();
        reports.length = 0;
        player.flush(3);
        player.play(3, 24000, voice(960));
        player.play(4, 24000, voice(960));
        player.endItem(4);
        const after = render(20);
        const silence = Math.max(...after.subarray(128).map(Math.abs));
        player.play(5, 0, voice(480, 16384));
        player.endItem(5);
        const next = render(10);
        return { reports, silence, next: next[600] };
        """,
    )

    assert result["silence"] == 0
    assert result["reports"] == [
        {"item": 3, "samples": 1920, "final": True, "frame": 3840},
        {"item": 5, "samples": 480, "final": True, "frame": 128 * 50 + 960},
    ]
    assert result["next"] == pytest.approx(0.5, abs=0.001)


def test_flush_of_a_finished_or_unknown_item_is_answered(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.play(1, 0, voice(480));
        player.endItem(1);
        player.play(2, 0, voice(4800));
        render(20);
        reports.length = 0;
        player.flush(1);
        player.flush(9);
        return reports.map(({ item, samples, final }) => [item, samples, final]);
        """,
    )

    assert result == [[1, 480, True], [2, 800, True], [9, 0, True]]


def test_item_without_audio_ends_at_once_and_reset_discards_everything(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        player.endItem(1);
        render(1);
        player.play(2, 0, voice(4800));
        render(2);
        player.reset();
        const silence = Math.max(...render(3).subarray(128));
        player.play(1, 0, voice(480));
        player.endItem(1);
        render(10);
        return [silence, reports.map(({ item, samples, final }) => [item, samples, final])];
        """,
    )

    assert result == [0, [[1, 0, True], [1, 480, True]]]


def test_interrupted_audio_does_not_click(page: Page) -> None:
    largest_step = run_script(
        page,
        PLAYER
        + """
        const { toPcm16 } = await from("microphone-core");
        const tone = toPcm16(sine(24000, 300, 1));
        const out = [];
        player.play(1, 0, tone);
        out.push(...render(21));
        player.pause();
        out.push(...render(5));
        player.resume();
        out.push(...render(7));
        player.flush(1);
        out.push(...render(4));
        player.play(2, 0, tone.subarray(0, 2013));
        out.push(...render(60));
        player.play(2, 2013, tone.subarray(2013, 9000));
        out.push(...render(20));
        return Math.max(...out.map((value, i) => (i ? Math.abs(value - out[i - 1]) : 0)));
        """,
    )

    # The tone itself changes by up to 0.0196 between samples; a click would change by up to 0.5.
    assert largest_step < 0.03


def test_ring_wraps_around_and_is_bounded(page: Page) -> None:
    result = run_script(
        page,
        """
        const { Ring } = await from("player-core");
        const ring = new Ring(10);
        const seen = [];
        for (let round = 0; round < 3; round++) {
          const taken = ring.add(Int16Array.from({ length: 7 }, (_, i) => 1000 * (i + 1)));
          const out = new Float32Array(taken);
          ring.take(out);
          seen.push([...out].map((value) => Math.round(value * 32.768)));
        }
        const first = ring.add(new Int16Array(8));
        return [seen, first, ring.add(new Int16Array(8)), ring.length];
        """,
    )

    assert result == [[[1, 2, 3, 4, 5, 6, 7]] * 3, 8, 2, 10]


def test_held_player_is_silent_reports_nothing_as_heard_and_goes_on_where_it_stopped(page: Page) -> None:
    result = run_script(
        page,
        PLAYER
        + """
        const loudest = (samples) => Math.max(...samples.map(Math.abs));
        player.play(1, 0, voice(12000));
        player.endItem(1);
        render(50);
        player.hold(true);
        const before = reports.length;
        render(1);  // fades out
        player.resume();  // the gateway cannot end this page's hold
        const held = loudest(render(100));
        const during = reports.length - before;
        player.hold(false);
        const after = loudest(render(200));
        return [held, during, after > 0.1, reports.at(-1).samples, reports.at(-1).final];
        """,
    )

    assert result == [0, 0, True, 12000, True]
