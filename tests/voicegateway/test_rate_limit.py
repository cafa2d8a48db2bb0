"""Limits on what a page sends in a call, apart from its audio."""

import pytest

from tests.voicegateway.fakes import ConversationHarness
from tests.voicegateway.test_conversation import conversation_mid_answer
from training.transcript import SpeakerRole
from voicegateway.browser.protocol import HangUp, Hello, Mute, Notice, Played, Say
from voicegateway.browser.rate_limit import TokenBucket, TypedRateLimit, count_words
from voicegateway.conversation.call_config import CallEndReason, Limits


def typed_lines(harness: ConversationHarness) -> list[str]:
    items = harness.sent_of_type("conversation.item.create")
    return [item["item"]["content"][0]["text"] for item in items if item["item"]["role"] == "user"]


def notices(harness: ConversationHarness) -> list[str]:
    return [notice.code for notice in harness.browser_messages_of(Notice)]


# Buckets


def test_bucket_allows_its_capacity_at_once_and_then_its_rate():
    bucket = TokenBucket(capacity=3, per_second=0.5)

    at_once = [bucket.spend(1, 10.0) for _ in range(4)]
    later = [bucket.spend(1, at) for at in (11.0, 12.0, 12.1, 1000.0, 1000.0, 1000.0, 1000.0)]

    assert at_once == [True, True, True, False]
    assert later == [False, True, False, True, True, True, False]


def test_bucket_starts_with_what_was_spent_before():
    assert [TokenBucket(3, 0.5, spent).spend(1, 0.0) for spent in (2, 3, 9)] == [True, False, False]


@pytest.mark.parametrize(("text", "words"), [("", 0), ("one two", 2), ("x" * 95, 10), ("a b c d e", 5)])
def test_count_words_counts_text_without_spaces_by_its_length(text, words):
    assert count_words(text) == words


def test_typed_limit_counts_turns_and_words_and_refused_ones_are_free():
    limit = TypedRateLimit(turns_per_minute=3, words_per_minute=10)

    allowed = [limit.spend(text, 0.0) for text in ("one " * 8, "one two three", "one two", "one", "")]

    assert allowed == [True, False, True, False, True]


# Typed turns


def test_typed_turns_above_the_limit_are_refused_with_a_notice_and_the_call_goes_on():
    harness = ConversationHarness(Limits(typed_turns_per_minute=3))

    for number in range(5):
        harness.browser(Say(f"Line {number}."))
    harness.now += 20
    harness.browser(Say("Line 5."))

    assert typed_lines(harness) == ["Line 0.", "Line 1.", "Line 2.", "Line 5."]
    assert notices(harness) == ["typed_too_fast"] * 2
    assert harness.conversation.end_reason is None


def test_too_many_words_are_refused_although_they_are_few_turns():
    harness = ConversationHarness(Limits(typed_words_per_minute=10))

    harness.browser(Say("word " * 11))
    harness.browser(Say("word " * 10))

    assert typed_lines(harness) == [("word " * 10).strip()]
    assert notices(harness) == ["typed_too_fast"]


def test_flood_of_typed_turns_ends_the_call_with_words_and_a_code_and_keeps_every_turn():
    harness = ConversationHarness()

    for number in range(1722):
        harness.now += 0.004
        harness.browser(Say(f"Line {number}."))

    assert (len(typed_lines(harness)), len(harness.sent_of_type("response.create"))) == (20, 1)
    assert len(harness.lines) == 20
    assert notices(harness)[-1] == "too_fast"
    assert notices(harness).count("typed_too_fast") == 21
    assert harness.conversation.outcome.reason is CallEndReason.TOO_FAST
    assert (harness.conversation.outcome.close_code, harness.conversation.outcome.not_gradable_reason) == (1008, "")


def test_words_typed_before_a_reconnection_count():
    harness = ConversationHarness(Limits(typed_turns_per_minute=20), recent_typed_turns=20, recent_typed_words=40)

    harness.browser(Say("Again."))

    assert typed_lines(harness) == []
    assert notices(harness) == ["typed_too_fast"]


# Answers to typed turns


def test_lines_typed_before_the_answer_can_be_heard_share_the_next_response():
    harness = ConversationHarness()
    harness.browser(Say("One."))
    harness.response("resp_1")

    for text in ("Two.", "Three.", "Four."):
        harness.browser(Say(text))
    requested = len(harness.sent_of_type("response.create"))
    harness.caller_says("resp_1", "caller_1", None, "Yes?")

    assert (requested, len(harness.sent_of_type("response.create"))) == (1, 2)
    assert harness.sent_of_type("response.cancel") == []
    assert typed_lines(harness) == ["One.", "Two.", "Three.", "Four."]


def test_typed_line_still_interrupts_a_caller_who_can_be_heard():
    harness = conversation_mid_answer()

    harness.browser(Say("Stop."))
    harness.played(2, 2100, final=True)

    assert len(harness.sent_of_type("response.create")) == 3
    assert [line for line in harness.lines if line[0] == SpeakerRole.COUNSELOR][-1][1] == "Stop."


# All messages


@pytest.mark.parametrize(
    "message", [Hello(0), Mute(True), Played(1, 0, 0, False), Say(""), Say("  ")], ids=lambda message: repr(message)
)
def test_flood_of_any_message_ends_the_call(message):
    harness = ConversationHarness()

    for _ in range(700):
        harness.browser(message)

    assert notices(harness) == ["too_fast"]
    assert harness.conversation.outcome.reason is CallEndReason.TOO_FAST
    assert harness.conversation.outcome.close_code == 1008


def test_playback_reports_of_a_long_stall_are_no_flood():
    harness = ConversationHarness()

    for _ in range(45 * 5):
        harness.browser(Played(1, 0, 0, False))
    for _ in range(600):
        harness.now += 0.2
        harness.browser(Played(1, 0, 0, False))
    harness.browser(HangUp())

    assert harness.conversation.end_reason is CallEndReason.HUNG_UP
