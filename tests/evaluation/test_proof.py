import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.proof import Line, find, prove, stands_in

pytestmark = pytest.mark.once

CALLER = Line("t1", "turn-1", False, "I can't sleep. Nobody would notice.")
FIRST = Line("t2", "turn-2", True, "That sounds lonely.  What keeps you up?")
SECOND = Line("t3", "turn-3", True, "Are you thinking about suicide? I’m here.")
LINES = [CALLER, FIRST, SECOND]


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("That sounds lonely.", "That sounds lonely.", "That sounds lonely"),
        ("that SOUNDS lonely", "That sounds lonely.", "That sounds lonely"),
        ("“That sounds lonely.”", "Well. That sounds lonely.", "That sounds lonely"),
        ("I'm here", "I’m here", "I’m here"),
        ("sounds lonely. What", "That sounds lonely.\n  What?", "sounds lonely.\n  What"),
        ("wait - really", "Wait — really?", "Wait — really"),
        ("no break", "no\u00a0break", "no\u00a0break"),
        ("İstanbul is far", "İstanbul is far", "İstanbul is far"),
        ("(a.b)*", "see (a.b)* there", "(a.b)*"),
        ("lone", "That sounds lonely.", None),
        ("sounds very lonely", "That sounds lonely.", None),
        ("sounds ... lonely", "That sounds quite lonely.", None),
        ("a", "a", None),
        ("", "anything", None),
        ("...", "wait ... what", None),
        ("words", "", None),
    ],
)
def test_find_takes_words_as_they_stand_and_nothing_else(words, text, found):
    span = find(words, text)

    assert (span and text[slice(*span)]) == found


@pytest.mark.parametrize(
    ("words", "named", "turn"),
    [
        ("sounds lonely", "t2", "turn-2"),
        ("sounds lonely", "t3", "turn-2"),
        ("sounds lonely", "t99", "turn-2"),
        ("about suicide", "t3", "turn-3"),
        ("Nobody would notice", "t1", None),
        ("Nobody would notice", "t2", None),
        ("Have you told anyone?", "t2", None),
    ],
)
def test_prove_finds_the_counselors_turn_or_nothing(words, named, turn):
    quote = prove(words, named, LINES)

    assert (quote and quote.turn) == turn


def test_prove_does_not_guess_between_two_turns_with_the_same_words():
    twice = [Line("t1", "turn-1", True, "I hear you."), Line("t2", "turn-2", True, "Yes, I hear you.")]

    assert prove("I hear you", "t9", twice) is None
    assert prove("I hear you", "t2", twice).turn == "turn-2"


def test_a_citation_stands_in_what_was_found_or_is_none():
    assert stands_in("Ask directly", ["3010 When hopeless, ask\ndirectly: are you"]) is True
    assert stands_in("Ask indirectly", ["3010 When hopeless, ask directly: are you"]) is False
    assert stands_in("anything", []) is False


# Letters whose lower case is longer, quotes and spaces of every kind: where offsets go wrong.
text = st.text(st.sampled_from("aAbİßǅ’'“\"—- \u00a0\n….?") | st.characters(exclude_categories=["Cs"]), max_size=40)


@given(text, text)
def test_what_is_found_is_the_text_between_its_offsets(words, heard):
    span = find(words, heard)

    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(heard)
        assert find(heard[start:end], heard) is not None


@given(st.lists(st.tuples(st.booleans(), text), max_size=6), text, st.integers(0, 7))
def test_a_proven_quote_is_a_slice_of_a_counselors_turn(turns, words, named):
    lines = [Line(f"t{n}", f"turn-{n}", is_counselor, said) for n, (is_counselor, said) in enumerate(turns)]

    quote = prove(words, f"t{named}", lines)

    if quote is not None:
        [line] = [line for line in lines if line.turn == quote.turn]
        assert line.is_counselor
        assert line.text[quote.start : quote.end] == quote.text


@given(st.text("abcdefgh ", min_size=8, max_size=60), st.data())
def test_a_whole_word_slice_is_found_where_it_stands(heard, data):
    words = heard.split()
    first = data.draw(st.integers(0, max(len(words) - 1, 0)))
    last = data.draw(st.integers(first, max(len(words) - 1, first)))
    slice_ = " ".join(words[first : last + 1])

    found = find(slice_, heard)

    assert (found is not None) == (len(slice_.replace(" ", "")) >= 2)


@given(text, st.lists(text, max_size=4))
def test_words_that_only_the_caller_said_are_never_a_quote(words, others):
    lines = [Line("t0", "turn-0", False, words)] + [Line("t1", "turn-1", False, other) for other in others]

    assert prove(words, "t0", lines) is None
