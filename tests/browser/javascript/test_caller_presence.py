"""The JavaScript modules that follow what the caller and the microphone do, in a real browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.javascript.run_script import run_script


def test_caller_speaks_while_audible_and_thinks_until_the_answer(page: Page) -> None:
    activities = run_script(
        page,
        """
        const { CallerActivity } = await from("caller-activity");
        const caller = new CallerActivity();
        const seen = [caller.at(0)];
        caller.expectAnswer(0);
        seen.push(caller.at(100), caller.at(14999), caller.at(15000));
        caller.expectAnswer(20000);
        caller.hear(0.1, 21000);
        seen.push(caller.at(21000), caller.at(21699), caller.at(21700));
        caller.hear(0.1, 30000);
        caller.expectAnswer(30100);  // a transcript that arrives after the answer began
        seen.push(caller.at(30800));
        caller.expectAnswer(40000);
        caller.counselorSpeaks();
        seen.push(caller.at(40001));
        return seen;
        """,
    )

    assert activities[:4] == ["listening", "thinking", "thinking", "listening"]
    assert activities[4:] == ["speaking", "speaking", "listening", "listening", "listening"]


def test_silent_microphone_is_noticed_sooner_before_it_was_heard_once(page: Page) -> None:
    noticed = run_script(
        page,
        """
        const { SilenceWatch } = await from("silence-watch");
        const firstFlat = (watch, from, isExpected) => {
          for (let now = from; now <= from + 60000; now += 40) if (watch.add(0, now, isExpected)) return now - from;
          return null;
        };
        const heard = new SilenceWatch();
        heard.add(0.2, 0);
        return [firstFlat(new SilenceWatch(), 0), firstFlat(heard, 0), firstFlat(new SilenceWatch(), 0, true)];
        """,
    )

    assert noticed == [6000, 30000, None]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Hi. My name is Dana.", "Dana"),
        ("My name’s Zoë, I think we spoke.", "Zoë"),
        ("You can call me Theo", "Theo"),
        ("I’m Catholic. I am Afraid.", ""),
        ("My name is not important.", ""),
        ("", ""),
    ],
)
def test_caller_is_named_only_after_an_introduction(page: Page, words: str, name: str) -> None:
    script = 'const { nameIn } = await from("caller-name"); return nameIn(argument);'

    assert run_script(page, script, words) == name


def test_own_sample_plays_what_the_caller_would_hear(page: Page) -> None:
    kept, played = run_script(
        page,
        """
        const { OwnSample } = await from("own-sample");
        const context = new AudioContext();
        await context.resume();
        const kept = [], buffers = [];
        const start = AudioBufferSourceNode.prototype.start;
        AudioBufferSourceNode.prototype.start = function () { buffers.push(this.buffer); return start.call(this); };
        const sample = new OwnSample({ context, keep: (on) => kept.push(on) }, 0.1);
        const recording = sample.record();
        sample.add(new Int16Array(1200).fill(16384));
        sample.add(new Int16Array(1200).fill(-16384));
        await recording;
        await sample.play();
        AudioBufferSourceNode.prototype.start = start;
        await context.close();
        const [buffer] = buffers;
        const samples = buffer.getChannelData(0);
        return [kept, [buffer.sampleRate, buffer.length, samples[0], samples[2399]]];
        """,
    )

    assert (kept, played) == ([True, False], [24000, 2400, 0.5, -0.5])
