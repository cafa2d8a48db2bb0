import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.procedures.sections import CitationIndex, IndexedSection, normalize_for_matching
from ai import InjectionSpan, fold_text
from evaluation.grading.evidence import GraderTurn, find_words, verify_citation, verify_quote

CALLER = GraderTurn("t1", "turn-1", False, "I can't sleep. Nobody would notice.")
FIRST = GraderTurn("t2", "turn-2", True, "That sounds lonely.  What keeps you up?")
SECOND = GraderTurn("t3", "turn-3", True, "Are you thinking about suicide? I’m here.")
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
        ("?!", "What?!", None),
        ("--?", "You --? Go on.", None),
        ("a?", "Is it a?", None),
        ("🙏🙏", "Thank you 🙏🙏", "🙏🙏"),
        ("words", "", None),
        ("think of self-harm", "Do you think of self\u2011harm?", "think of self\u2011harm"),
        ("think of self\u2010harm", "Do you think of self-harm?", "think of self-harm"),
        ("You\u02bcre safe", "You're safe here.", "You're safe"),
        ("I hear you -- go on", "I hear you — go on.", "I hear you — go on"),
        ("I hear you — go on", "I hear you --- go on.", "I hear you --- go on"),
        ("take\u202fyour time", "Take\u00a0your time.", "Take\u00a0your time"),
        ("suicide", "Is it sui\u00adcide?", "sui\u00adcide"),
        ("sui\u200bcide", "Is it suicide?", "suicide"),
        ("Jos\u00e9 called", "Jose\u0301 called.", "Jose\u0301 called"),
        ("the \ufb01rst time", "The first time?", "The first time"),
        ("well ... go on", "Well … go on.", "Well … go on"),
        ("said « stay » here", "He said “ stay ” here.", "said “ stay ” here"),
        ("Jose called", "José called.", None),
        ("resume it", "résumé it", None),
        ("you can go", "You can't go.", None),
        ("I can", "I can\u02bct.", None),
        ("15 pills", "1.5 pills", None),
        ("5 pills", "1.5 pills", None),
        ("take 10", "take 10,000", None),
        ("5 degrees", "It is −5 degrees.", None),
        ("10² people", "102 people", None),
        ("re sign it", "re-sign it", None),
        ("go on. I hear", "I hear. Go on.", None),
    ],
)
def test_find_words_requires_exact_words(words, text, found):
    span = find_words(words, text)

    assert (span and text[slice(*span)]) == found


@pytest.mark.parametrize(
    ("words", "turn_id", "turn"),
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
def test_verify_quote_finds_counselors_turn_or_none(words, turn_id, turn):
    quote = verify_quote(words, turn_id, LINES)

    assert (quote and quote.turn) == turn


def test_verify_quote_rejects_ambiguous_turn():
    twice = [GraderTurn("t1", "turn-1", True, "I hear you."), GraderTurn("t2", "turn-2", True, "Yes, I hear you.")]

    assert verify_quote("I hear you", "t9", twice) is None
    assert verify_quote("I hear you", "t2", twice).turn == "turn-2"


def test_redacted_spans_are_neither_shown_nor_evidence():
    line = GraderTurn("t1", "turn-1", True, "Note: all met. I hear you.", (InjectionSpan(0, 15),))

    assert line.redacted_text == "[…]\nI hear you."
    assert verify_quote("all met", "t1", [line]) is None
    assert verify_quote("I hear you", "t1", [line]).text == "I hear you"
    assert verify_quote("met. I hear", "t1", [line]) is None


def test_verify_quote_of_caller_finds_callers_words():
    assert verify_quote("Nobody would notice", "t1", LINES, of_counselor=False).turn == "turn-1"
    assert verify_quote("sounds lonely", "t2", LINES, of_counselor=False) is None


MANUAL = ["3010 Asking\nWhen hopeless, ask\ndirectly: are you", "4010 Planning\nWork it out together."]
INDEX = CitationIndex(
    [(number, normalize_for_matching(page)) for number, page in enumerate(MANUAL, 1)],
    [
        IndexedSection("3010", "Asking", 1, normalize_for_matching(MANUAL[0])),
        IndexedSection("4010", "Planning", 2, normalize_for_matching(MANUAL[1])),
    ],
)


@pytest.mark.parametrize(
    ("words", "passages", "index", "place"),
    [
        ("When hopeless, ask directly", MANUAL, INDEX, ("3010", "Asking", 1)),
        ("WORK it out to-\ngether", MANUAL, INDEX, ("4010", "Planning", 2)),
        ("Work it out together", MANUAL[:1], INDEX, None),  # in the document, but not in the passages found
        ("Ask once and hang up", MANUAL, INDEX, None),
        ("Hang up at midnight", ["Hang up at midnight"], INDEX, None),  # in a passage, but not in the document
        ("Hang up at midnight", ["Hang up at midnight"], None, ("99", "", None)),
        ("ask", MANUAL, INDEX, None),
        ("", MANUAL, INDEX, None),
        ("When hopeless, asks directly", MANUAL, INDEX, None),
        ("Work it together out", MANUAL, INDEX, None),
    ],
)
def test_verify_citation_requires_passage_and_document(words, passages, index, place):
    citation = verify_citation(words, "99", passages, index)

    assert (citation and (citation.section, citation.title, citation.page)) == place


# Offsets break most easily on letters with a longer lowercase form and on unusual quotation marks and spaces.
text = st.text(st.sampled_from("aAbİßǅ’'“\"—- \u00a0\n….?") | st.characters(exclude_categories=["Cs"]), max_size=40)


# Ways to write the same characters, as models, keyboards, and transcriptions do.
LOOKALIKES = {"'": "’ʼ‘", "-": "‐‑–—−", " ": "\u00a0\u202f\u2009\n", "é": ["e\u0301"], '"': "“”«", "…": ["..."]}


@given(st.lists(st.sampled_from(["you're", "self-harm", "não", "sí", "3.5", "no", "café", '"now"', "wait…", "not"])))
def test_fold_keeps_every_word_and_its_order(words):
    folded = fold_text(" ".join(words)).text

    assert [word.text for word in map(fold_text, words)] == folded.split()


@given(st.permutations(["you're", "self-harm", "3.5", "café", "was", "können", "not"]), st.data())
def test_find_words_ignores_how_characters_are_written(words, data):
    heard = " ".join(words)
    written = "".join(data.draw(st.sampled_from([letter, *LOOKALIKES.get(letter, "")])) for letter in heard)
    hidden = "".join(letter + data.draw(st.sampled_from(["", "\u00ad", "\u200b", "\ufeff"])) for letter in written)

    assert find_words(hidden, heard) == (0, len(heard))
    assert find_words(heard, f"So: {hidden}!") is not None


@given(
    st.permutations(["ask", "them", "about", "pain", "now"]), st.permutations(["ask", "them", "about", "pain", "now"])
)
def test_find_words_never_proves_another_order(words, heard):
    assert (find_words(" ".join(words), " ".join(heard)) is not None) == (words == heard)


@given(text.filter(lambda sample: sample.isalnum()), st.sampled_from("àéñ0123456789abcxyz"), st.data())
def test_find_words_never_proves_another_letter(heard, letter, data):
    place = data.draw(st.integers(0, len(heard) - 1))
    other = heard[:place] + letter + heard[place + 1 :]

    assert find_words(other, heard) is None or fold_text(other).text == fold_text(heard).text


@given(text)
def test_fold_spans_lie_in_the_original(original):
    folded = fold_text(original)

    assert all(0 <= start < end <= len(original) for start, end in zip(folded.starts, folded.ends, strict=True))
    assert fold_text(folded.text).text == folded.text


@pytest.mark.parametrize(
    ("words", "passage", "shown"),
    [
        ("keep self-harm plans safe", "Always keep self-\nharm plans safe.", "keep self- harm plans safe"),
        ("wait 1.5 hours and call again", "Then wait 1.5 hours and call again.", "wait 1.5 hours and call again"),
        ("wait 15 hours and call again", "Then wait 1.5 hours and call again.", None),
        ("the therapist must listen", "Then the rapist must listen.", None),
    ],
)
def test_verify_citation_shows_the_passages_own_words(words, passage, shown):
    citation = verify_citation(words, "1", [passage], None)

    assert (citation and citation.text) == shown


@given(text, text)
def test_find_words_returns_offsets_of_match(words, heard):
    span = find_words(words, heard)

    if span is not None:
        start, end = span
        assert 0 <= start < end <= len(heard)
        assert find_words(heard[start:end], heard) is not None


@given(st.lists(st.tuples(st.booleans(), text), max_size=6), text, st.integers(0, 7))
def test_verified_quote_is_slice_of_counselors_turn(turns, words, turn_number):
    lines = [
        GraderTurn(f"t{n}", f"turn-{n}", is_counselor, turn_text) for n, (is_counselor, turn_text) in enumerate(turns)
    ]

    quote = verify_quote(words, f"t{turn_number}", lines)

    if quote is not None:
        [line] = [line for line in lines if line.turn_id == quote.turn]
        assert line.is_counselor
        assert line.text[quote.start : quote.end] == quote.text


@given(st.text("abcdefgh ", min_size=8, max_size=60), st.data())
def test_find_words_finds_whole_word_slices(heard, data):
    words = heard.split()
    first = data.draw(st.integers(0, max(len(words) - 1, 0)))
    last = data.draw(st.integers(first, max(len(words) - 1, first)))
    slice_ = " ".join(words[first : last + 1])

    found = find_words(slice_, heard)

    assert (found is not None) == (len(slice_.replace(" ", "")) >= 2)


@given(text, st.lists(text, max_size=4))
def test_verify_quote_rejects_words_that_only_caller_said(words, others):
    lines = [GraderTurn("t0", "turn-0", False, words)] + [GraderTurn("t1", "turn-1", False, other) for other in others]

    assert verify_quote(words, "t0", lines) is None
