from dataclasses import dataclass

import pytest

from evaluation.reports.talk_time import (
    TYPED_CHARACTER_MS,
    TimeInterval,
    format_timecode,
    measure_talk_time,
    parse_timecode,
)


@dataclass
class FakeTimedTurn:
    role: str
    start_ms: int | None
    end_ms: int | None = None
    source: str = "spoken"
    text_heard: str = ""


def test_overlapping_turns_of_one_speaker_count_once():
    turns = [
        FakeTimedTurn("counselor", 0, 4000),
        FakeTimedTurn("caller", 3500, 9000),
        FakeTimedTurn("counselor", 8000, 8600),
        FakeTimedTurn("counselor", 8500, 10_000),
    ]

    talk = measure_talk_time(turns)

    assert (talk.counselor_ms, talk.caller_ms) == (4000 + 2000, 5500)
    assert (talk.counselor_percent, talk.caller_percent, talk.pauses) == (52, 48, [])


def test_pauses_are_long_silences():
    turns = [
        FakeTimedTurn("counselor", 1000, 2000),
        FakeTimedTurn("caller", 5000, 6000),
        FakeTimedTurn("counselor", 8999, 9500),
        FakeTimedTurn("caller", 20_000, 21_000),
    ]

    talk = measure_talk_time(turns)

    assert talk.pauses == [TimeInterval(2000, 5000), TimeInterval(9500, 20_000)]
    assert talk.longest_pause == TimeInterval(9500, 20_000)


def test_typed_turn_ends_pause_and_counts_as_long_as_its_words():
    turns = [
        FakeTimedTurn("counselor", 0, 1000),
        FakeTimedTurn("counselor", 3500, 9000, "typed", "x" * 100),
        FakeTimedTurn("caller", 6000, 7000),
    ]

    talk = measure_talk_time(turns)

    assert (talk.counselor_ms, talk.caller_ms, talk.pauses) == (1000 + 100 * TYPED_CHARACTER_MS, 1000, [])


def test_call_without_times_has_no_talk_time():
    for turns in ([], [FakeTimedTurn("caller", None)], [FakeTimedTurn("caller", 500, None)]):
        talk = measure_talk_time(turns)
        assert (talk.has_speech, talk.counselor_percent, talk.caller_percent, talk.longest_pause) == (False, 0, 0, None)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0:00"), (7999, "0:07"), (83_000, "1:23"), (3_599_999, "59:59"), (3_600_000, "1:00:00"), (None, "0:00")],
)
def test_format_timecode_matches_player(ms, text):
    assert format_timecode(ms) == text


@pytest.mark.parametrize(
    ("text", "ms"),
    [("7", 7000), ("0:07", 7000), (" 1:23 ", 83_000), ("75", 75_000), ("61:00", 3_660_000), ("1:02:03", 3_723_000)],
)
def test_parse_timecode_reads_formatted_times(text, ms):
    assert parse_timecode(text) == ms


@pytest.mark.parametrize("text", ["", "soon", "1:60", "1:2:3:4", "-1", "1.5", "1:", "²:00", "123456"])
def test_parse_timecode_returns_none_for_invalid_text(text):
    assert parse_timecode(text) is None
