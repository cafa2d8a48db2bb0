"""The JavaScript module `call-audio.js` in a real browser."""

from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_player_and_microphone_share_one_clock(page: Page) -> None:
    # The player plays one second while the microphone counts. On the microphone's clock, the end of that second has to
    # be one second after its start.
    result = run_script(
        page,
        """
        const { CallAudio } = await from("call-audio");
        const frames = [], reports = [];
        let done;
        const over = new Promise((resolve) => (done = resolve));
        const audio = await CallAudio.open({
          level() {}, callerLevel() {}, microphoneStopped() {},
          frame: ({ index, pcm }) => frames.push([index, pcm.length]),
          played: (report, at) => { reports.push({ ...report, at }); if (report.final) done(); },
        });
        await audio.useMicrophone({ raw: true });
        await audio.startClock();
        audio.play({ item: 1, index: 0, pcm: new Int16Array(24000) });
        audio.sendToPlayer("item_end", 1);
        await over;
        await audio.close();
        return { frames, reports };
        """,
    )

    assert result["frames"] == [[960 * number, 960] for number in range(len(result["frames"]))]
    assert len(result["frames"]) >= 24
    final = result["reports"][-1]
    assert (final["item"], final["samples"], final["final"]) == (1, 24000, True)
    for report in result["reports"]:
        assert abs((final["at"] - report["at"]) - (final["samples"] - report["samples"])) <= 1


def test_playback_without_a_microphone_has_a_clock(page: Page) -> None:
    result = run_script(
        page,
        """
        const { CallAudio } = await from("call-audio");
        let frames = 0, done;
        const over = new Promise((resolve) => (done = resolve));
        const audio = await CallAudio.open({
          level() {}, callerLevel() {}, microphoneStopped() {},
          frame: () => frames++,
          played: (report, at) => report.final && done({ ...report, at }),
        });
        await audio.startClock();
        audio.play({ item: 1, index: 0, pcm: new Int16Array(2400) });
        audio.sendToPlayer("flush", 1);
        const report = await over;
        await audio.close();
        return [frames, report.item, report.samples <= 2400, Number.isInteger(report.at)];
        """,
    )

    assert result == [0, 1, True, True]
