from dataclasses import dataclass

import pytest

from evaluation.talk import Span, clock, ms_of, talk_of


@dataclass
class Turn:
    role: str
    start_ms: int | None
    end_ms: int | None = None
    source: str = "spoken"


def test_each_is_counted_once_where_their_turns_overlap():
    turns = [
        Turn("counselor", 0, 4000),
        Turn("caller", 3500, 9000),
        Turn("counselor", 8000, 8600),
        Turn("counselor", 8500, 10_000),
    ]

    talk = talk_of(turns)

    assert (talk.counselor_ms, talk.caller_ms) == (4000 + 2000, 5500)
    assert (talk.share, talk.callers_share, talk.pauses) == (52, 48, [])


def test_a_pause_is_where_nobody_spoke_for_long():
    turns = [
        Turn("counselor", 1000, 2000),
        Turn("caller", 5000, 6000),
        Turn("counselor", 8999, 9500),
        Turn("caller", 20_000, 21_000),
    ]

    talk = talk_of(turns)

    assert talk.pauses == [Span(2000, 5000), Span(9500, 20_000)]
    assert talk.longest == Span(9500, 20_000)


def test_a_typed_line_takes_no_time_but_ends_a_silence():
    turns = [Turn("counselor", 0, 1000), Turn("counselor", 3500, 9000, source="typed"), Turn("caller", 6000, 7000)]

    talk = talk_of(turns)

    assert (talk.counselor_ms, talk.pauses) == (1000, [])


def test_a_call_without_times_or_words_has_no_facts():
    for turns in ([], [Turn("caller", None)], [Turn("caller", 500, None)]):
        talk = talk_of(turns)
        assert (talk.has_speech, talk.share, talk.callers_share, talk.longest) == (False, 0, 0, None)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0:00"), (7999, "0:07"), (83_000, "1:23"), (3_599_999, "59:59"), (3_600_000, "1:00:00"), (None, "0:00")],
)
def test_times_are_written_as_a_player_shows_them(ms, text):
    assert clock(ms) == text


@pytest.mark.parametrize(
    ("text", "ms"),
    [("7", 7000), ("0:07", 7000), (" 1:23 ", 83_000), ("75", 75_000), ("61:00", 3_660_000), ("1:02:03", 3_723_000)],
)
def test_times_are_read_as_they_are_written(text, ms):
    assert ms_of(text) == ms


@pytest.mark.parametrize("text", ["", "soon", "1:60", "1:2:3:4", "-1", "1.5", "1:", "²:00", "123456"])
def test_what_is_no_time_is_none(text):
    assert ms_of(text) is None
