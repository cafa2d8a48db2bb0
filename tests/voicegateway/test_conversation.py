from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voicegateway.fakes import CALL_CONFIG, MS, ConversationHarness, pcm
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource
from voicegateway.browser.protocol import AudioFrame, Flush, HangUp, Hello, ItemEnd, Mute, Pause, Ready, Resume, Say
from voicegateway.conversation.call_config import CallEndReason, Limits, PatienceTimings
from voicegateway.conversation.conversation import EVENT_HANDLERS

GREETING = "Hello? Is somebody there?"
CALLER_LINE = "I have not slept for three days and nobody knows."


def greeted_conversation() -> ConversationHarness:
    """Return a call in which the counselor has answered and the caller's greeting has played."""
    harness = ConversationHarness()
    harness.counselor_says("user_1", None, "Crisis line, this is Anna.")
    harness.caller_says("resp_1", "caller_1", "user_1", GREETING, 1000)
    harness.played(1, 1000, final=True)
    return harness


def conversation_mid_answer(ms: int = 4000) -> ConversationHarness:
    """Return the greeted call halfway through playback of a caller answer that lasts `ms` milliseconds."""
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "What is going on?")
    harness.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, ms)
    harness.wait(ms / 2000)
    harness.played(2, ms // 2)
    return harness


# Whole calls


def test_whole_call_is_saved_in_spoken_order():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "What is going on?")
    harness.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, 1500)
    harness.played(2, 1500, final=True)

    harness.browser(HangUp())

    assert harness.lines == [
        ("counselor", "Crisis line, this is Anna."),
        ("caller", GREETING),
        ("counselor", "What is going on?"),
        ("caller", CALLER_LINE),
    ]
    assert harness.conversation.end_reason is CallEndReason.HUNG_UP


def test_upstream_is_configured_before_anything_else():
    harness = ConversationHarness(ready=False, patience=PatienceTimings(900, 20.0))

    session = harness.sent[0]["session"]
    assert harness.sent[0]["type"] == "session.update"
    assert session["instructions"] == CALL_CONFIG.instructions
    assert session["output_modalities"] == ["audio"]
    assert session["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}
    assert session["audio"]["input"] == {
        "format": {"type": "audio/pcm", "rate": 24000},
        "transcription": {"model": "a-scribe"},
        "turn_detection": {
            "type": "server_vad",
            "silence_duration_ms": 900,
            "create_response": False,
            "interrupt_response": False,
        },
    }


@pytest.mark.parametrize("browser_first", [True, False])
def test_ready_is_sent_once_when_both_ends_are_connected(browser_first):
    harness = ConversationHarness(ready=False, is_recorded=True)
    steps = [lambda: harness.browser(Hello(0)), lambda: harness.upstream("session.updated", session={})]

    first, second = steps if browser_first else reversed(steps)
    first()
    assert harness.browser_messages == []
    second()
    second()

    assert harness.browser_messages == [Ready(resumed=False, recording=True, epoch=1)]


# The opening


def test_first_response_requests_the_greeting_verbatim():
    harness = ConversationHarness()

    harness.counselor_says("user_1", None)

    [create] = harness.sent_of_type("response.create")
    assert create["response"]["instructions"].startswith(CALL_CONFIG.instructions)
    assert f"««{GREETING}»»" in create["response"]["instructions"]


def test_caller_opens_after_six_seconds_of_silence():
    harness = ConversationHarness()

    harness.wait(5.9)
    assert harness.sent_of_type("response.create") == []
    harness.wait(3)

    [create] = harness.sent_of_type("response.create")
    assert f"««{GREETING}»»" in create["response"]["instructions"]


def test_caller_does_not_open_while_the_counselor_speaks():
    harness = ConversationHarness()

    harness.speech_started("user_1")
    harness.wait(8)

    assert harness.sent_of_type("response.create") == []


def test_typed_turn_requests_the_greeting():
    harness = ConversationHarness()

    harness.browser(Say("  Crisis line, Anna speaking.  "))

    [item] = harness.sent_of_type("conversation.item.create")
    assert item["item"]["content"] == [{"type": "input_text", "text": "Crisis line, Anna speaking."}]
    assert "««" in harness.sent_of_type("response.create")[0]["response"]["instructions"]
    [turn] = harness.transcript
    assert (turn.item, turn.source, turn.is_final) == (item["item"]["id"], TurnSource.TYPED, True)


def test_first_response_without_a_greeting_has_no_instructions():
    harness = ConversationHarness(greeting="")

    harness.counselor_says("user_1", None)

    assert "response" not in harness.sent_of_type("response.create")[0]


def test_late_greeting_is_requested_when_it_arrives():
    harness = ConversationHarness(greeting=None)

    harness.counselor_says("user_1", None)
    assert harness.sent_of_type("response.create") == []
    harness.conversation.set_greeting("It is me again.")
    harness.collect()

    assert "««It is me again.»»" in harness.sent_of_type("response.create")[0]["response"]["instructions"]


def test_missing_greeting_delays_the_first_response_by_two_seconds():
    harness = ConversationHarness(greeting=None)
    harness.counselor_says("user_1", None)

    harness.wait(2.1)

    assert ["response" in event for event in harness.sent_of_type("response.create")] == [False]


def test_unheard_greeting_is_requested_again():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None, "Hello")
    harness.response("resp_1")
    harness.counselor_says("user_2", "user_1", "this is Anna.", ms=1000)

    harness.response_done("resp_1", "cancelled")

    assert len(harness.sent_of_type("response.create")) == 2
    assert "««" in harness.sent_of_type("response.create")[1]["response"]["instructions"]


def test_second_response_is_requested_without_instructions():
    harness = greeted_conversation()

    harness.counselor_says("user_2", "caller_1")

    assert "response" not in harness.sent_of_type("response.create")[1]


# Order of turns


def test_turns_keep_spoken_order_with_late_transcriptions():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)
    harness.caller_says("resp_1", "caller_1", "user_1", GREETING)
    harness.played(1, 1000, final=True)
    harness.counselor_says("user_2", "caller_1")

    harness.transcribed("user_2", "Second.")
    harness.transcribed("user_1", "First.")

    assert harness.lines == [("counselor", "First."), ("caller", GREETING), ("counselor", "Second.")]


def test_turn_is_saved_before_its_transcript_arrives():
    harness = ConversationHarness()

    harness.counselor_says("user_1", None)

    [turn] = harness.turns
    assert (turn.revision, turn.item, turn.after, turn.text_heard, turn.is_final) == (1, "user_1", None, "", False)


def test_failed_or_empty_transcription_is_marked_inaudible():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)
    harness.counselor_says("user_2", "user_1")

    harness.upstream("conversation.item.input_audio_transcription.failed", item_id="user_1", error={})
    harness.transcribed("user_2", " ")

    assert harness.lines == [("counselor", "[inaudible]"), ("counselor", "[inaudible]")]


def test_duplicate_and_unknown_events_change_nothing():
    harness = greeted_conversation()
    before = harness.lines, len(harness.turns), len(harness.sent)

    harness.committed("user_1", None)
    harness.transcribed("user_1", "Something else.")
    harness.transcribed("nobody", "Boo.")
    harness.audio("resp_1", "caller_1", 500)
    harness.text_done("resp_1", "caller_1", "Something else.")
    harness.response_done("resp_1")
    harness.upstream("something.new", item_id="user_1")
    harness.played(1, 1000, final=True)
    harness.played(9, 1000, final=True)

    assert (harness.lines, len(harness.turns), len(harness.sent)) == before


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        {},
        {"type": 5},
        {"type": "response.done"},
        {"type": "input_audio_buffer.committed"},
        {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "content_index": 0, "delta": "a"},
        {"type": "input_audio_buffer.speech_started", "item_id": "i", "audio_start_ms": -1},
    ],
)
def test_malformed_event_is_ignored(fields):
    harness = ConversationHarness()

    harness.conversation.receive_event(fields, harness.now)

    harness.counselor_says("user_1", None, "Still here.")
    assert harness.lines == [("counselor", "Still here.")]


FIELD_NAMES = [
    "session",
    "item",
    "item_id",
    "response",
    "response_id",
    "delta",
    "transcript",
    "content_index",
    "audio_start_ms",
    "audio_end_ms",
    "previous_item_id",
    "error",
    "event_id",
    "item_ids",
]


@pytest.mark.parametrize("value", [None, 0, -1, 2**80, 1.5, True, "", "x" * 100_000, "\0", [], [[]], {}, {"id": {}}])
@pytest.mark.parametrize("kind", sorted(EVENT_HANDLERS))
def test_call_continues_after_an_event_with_wrong_fields(kind, value):
    harness = greeted_conversation()

    harness.conversation.receive_event({"type": kind} | dict.fromkeys(FIELD_NAMES, value), harness.now)
    harness.conversation.receive_event({"type": kind}, harness.now)

    harness.collect()
    harness.browser(HangUp())
    assert harness.lines[:2] == [("counselor", "Crisis line, this is Anna."), ("caller", GREETING)]
    assert harness.conversation.end_reason is not None


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>She wants", " comfort.</think>", CALLER_LINE],
        ["She wants comfort.</th", "ink>", CALLER_LINE],
        ["<|channel|>analysis<|message|>She wants comfort.<|end|><|start|>assistant", "<|channel|>final<|message|>"]
        + [CALLER_LINE],
    ],
)
@pytest.mark.parametrize("sends_whole_text", [True, False])
def test_thinking_is_not_part_of_the_callers_turn(pieces, sends_whole_text):
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "What is going on?")
    harness.response("resp_2")
    harness.item("resp_2", "caller_2", "user_2")
    for piece in pieces:
        harness.text("resp_2", "caller_2", piece)
    harness.audio("resp_2", "caller_2", 1500)
    harness.audio_done("resp_2", "caller_2")
    if sends_whole_text:
        harness.text_done("resp_2", "caller_2", "".join(pieces))
    harness.response_done("resp_2")

    harness.played(2, 1500, final=True)

    assert harness.lines[-1] == ("caller", CALLER_LINE)
    assert "comfort" not in str([turn.text_generated for turn in harness.turns])


def test_revisions_continue_from_the_config():
    harness = ConversationHarness(revision=40)

    harness.counselor_says("user_1", None, "Hello.")

    assert [turn.revision for turn in harness.turns] == [41, 42]


# One response at a time


def test_second_turn_waits_for_the_end_of_the_cancelled_response():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)
    harness.browser(Say("And how old are you?"))

    assert len(harness.sent_of_type("response.create")) == 1
    harness.response("resp_1")
    assert harness.sent_of_type("response.cancel") == [{"type": "response.cancel", "response_id": "resp_1"}]
    harness.response_done("resp_1", "cancelled")

    assert len(harness.sent_of_type("response.create")) == 2


def test_two_turns_during_a_response_request_one_new_response():
    harness = conversation_mid_answer()
    harness.browser(Say("One."))
    harness.browser(Say("Two."))

    harness.played(2, 2100, final=True)

    assert len(harness.sent_of_type("response.create")) == 3


def test_refused_response_does_not_block_the_next_one():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)
    harness.responses_open = 0

    harness.upstream("error", error={"code": "server_error", "event_id": "response_1"})
    harness.counselor_says("user_2", "user_1")

    assert len(harness.sent_of_type("response.create")) == 2


def test_colliding_response_is_requested_again_after_the_active_one():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)

    harness.upstream("error", error={"code": "conversation_already_has_active_response", "event_id": "response_1"})
    assert len(harness.sent_of_type("response.create")) == 1
    harness.response_done("somebody_elses")

    assert len(harness.sent_of_type("response.create")) == 2


@pytest.mark.parametrize("code", ["response_cancel_not_active", "invalid_value", "unsupported_content_type"])
def test_harmless_errors_change_nothing(code):
    harness = conversation_mid_answer()
    before = len(harness.sent), len(harness.browser_messages)

    harness.upstream("error", error={"type": "invalid_request_error", "code": code})

    assert (len(harness.sent), len(harness.browser_messages)) == before


# The caller's audio


def test_caller_audio_is_sent_and_recorded_in_frames_of_at_most_100_ms():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)

    harness.caller_says("resp_1", "caller_1", "user_1", GREETING, 250)

    frames = harness.browser_messages_of(AudioFrame)
    assert [(frame.item, frame.index, frame.samples) for frame in frames] == [
        (1, 0, 2400),
        (1, 2400, 2400),
        (1, 4800, 1200),
    ]
    assert harness.recorder.caller_frames == [(frame.item, frame.index, frame.samples) for frame in frames]
    assert harness.browser_messages[-1] == ItemEnd(1, 6000)


def test_caller_audio_is_sent_two_seconds_ahead_of_playback():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None)
    harness.caller_says("resp_1", "caller_1", "user_1", GREETING, 10_000)

    assert sum(frame.samples for frame in harness.browser_messages_of(AudioFrame)) == 2000 * MS
    harness.wait(1)
    assert sum(frame.samples for frame in harness.browser_messages_of(AudioFrame)) == pytest.approx(
        3000 * MS, abs=100 * MS
    )
    harness.played(1, 500)
    assert sum(frame.samples for frame in harness.browser_messages_of(AudioFrame)) == pytest.approx(
        3000 * MS, abs=100 * MS
    )
    harness.wait(9)

    assert sum(frame.samples for frame in harness.browser_messages_of(AudioFrame)) == 10_000 * MS
    assert harness.browser_messages_of(ItemEnd) == [ItemEnd(1, 10_000 * MS)]


def test_queued_caller_audio_is_bounded_and_dropped_audio_is_not_heard():
    harness = ConversationHarness(limits=Limits(max_queued_caller_audio=3.0))
    harness.counselor_says("user_1", None)
    harness.response("resp_1")
    harness.item("resp_1", "caller_1", "user_1")
    harness.text("resp_1", "caller_1", "one two three four five six seven eight nine ten")
    for _ in range(20):
        harness.audio("resp_1", "caller_1", 500)
    harness.audio_done("resp_1", "caller_1")
    harness.response_done("resp_1")
    harness.wait(5)
    kept = sum(frame.samples for frame in harness.browser_messages_of(AudioFrame))

    harness.played(1, kept // MS, final=True)

    assert kept == 5000 * MS
    assert harness.lines[-1] == ("caller", "one two three four five")


def test_items_of_one_response_are_played_in_order():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None, "Hello.")
    harness.response("resp_1")
    harness.item("resp_1", "caller_1", "user_1")
    harness.item("resp_1", "caller_2", "caller_1")
    harness.audio("resp_1", "caller_1", 200)
    harness.audio("resp_1", "caller_2", 100)
    harness.audio_done("resp_1", "caller_1")
    harness.text_done("resp_1", "caller_1", "One.")
    harness.text_done("resp_1", "caller_2", "Two.")
    harness.response_done("resp_1")

    harness.played(1, 200, final=True)
    harness.played(2, 100, final=True)

    assert [frame.item for frame in harness.browser_messages_of(AudioFrame)] == [1, 1, 2]
    assert harness.lines == [("counselor", "Hello."), ("caller", "One."), ("caller", "Two.")]


def test_partial_text_follows_playback_and_is_saved_once():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "Go on.")
    harness.caller_says("resp_2", "caller_2", "user_2", "one two three four", 2000)

    for ms in range(100, 2000, 100):
        harness.wait(0.1)
        harness.played(2, ms)

    shown = [message.text for message in harness.browser_messages if getattr(message, "item", None) == "caller_2"]
    assert shown[0] == "one"
    assert shown[-1] == "one two three"
    assert len(shown) <= 10
    assert [turn.is_final for turn in harness.turns if turn.item == "caller_2"] == [False]


def test_turn_is_final_only_with_its_complete_text():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None, "Hello.")
    harness.response("resp_1")
    harness.item("resp_1", "caller_1", "user_1")
    harness.audio("resp_1", "caller_1", 300)
    harness.audio_done("resp_1", "caller_1")
    harness.played(1, 300, final=True)
    assert harness.lines == [("counselor", "Hello.")]

    harness.text_done("resp_1", "caller_1", "Hi.")

    assert harness.lines == [("counselor", "Hello."), ("caller", "Hi.")]


# Barge-in


def test_overlapping_speech_pauses_the_caller_at_once():
    harness = conversation_mid_answer()

    harness.speech_started("user_3")

    assert harness.browser_messages[-1] == Pause()


def test_backchannel_resumes_the_caller_and_gets_no_response():
    harness = conversation_mid_answer()
    harness.speech_started("user_3")
    harness.microphone(240)
    harness.microphone(200, loud=False)
    harness.speech_stopped("user_3")
    harness.committed("user_3", "caller_2")
    harness.transcribed("user_3", "Mm-hm.")

    harness.wait(2.5)
    harness.played(2, 4000, final=True)

    assert [type(message) for message in harness.browser_messages if isinstance(message, Pause | Resume | Flush)] == [
        Pause,
        Resume,
    ]
    assert len(harness.sent_of_type("response.create")) == 2
    assert harness.lines[-2:] == [("caller", CALLER_LINE), ("counselor", "Mm-hm.")]
    assert not harness.transcript[-2].is_interrupted


def test_caller_resumes_after_quiet_that_upstream_has_not_reported():
    harness = conversation_mid_answer()
    harness.speech_started("user_3")

    harness.microphone(200)
    harness.microphone(340, loud=False)

    assert harness.browser_messages_of(Resume) == [Resume()]


def test_speech_during_the_callers_last_words_is_a_turn():
    harness = conversation_mid_answer()
    harness.wait(1.6)
    harness.played(2, 3700)
    harness.speech_started("user_3")
    harness.microphone(240)
    harness.speech_stopped("user_3")
    harness.committed("user_3", "caller_2")
    harness.played(2, 4000, final=True)

    assert harness.browser_messages_of(Flush) == []
    assert len(harness.sent_of_type("response.create")) == 3


def test_barge_in_stops_the_caller_and_saves_what_was_heard():
    harness = conversation_mid_answer()
    harness.speech_started("user_3")
    harness.microphone(620)
    assert harness.browser_messages[-1] == Flush(2)

    harness.played(2, 2200, final=True)

    assert harness.sent[-1] == {
        "type": "conversation.item.truncate",
        "item_id": "caller_2",
        "content_index": 0,
        "audio_end_ms": 2200,
    }
    turn = harness.transcript[-1]
    assert (turn.text_generated, turn.text_heard) == (CALLER_LINE, "I have not slept for three")
    assert (turn.is_final, turn.is_interrupted, turn.end_ms - turn.start_ms) == (True, True, 2200)
    assert harness.recorder.playback_reports[-1] == (2, 2200 * MS, True)
    assert harness.browser_messages_of(Resume) == [Resume()]


def test_missing_flush_report_delays_truncation_by_at_most_400_ms():
    harness = conversation_mid_answer()
    harness.speech_started("user_3")
    harness.microphone(620)

    harness.wait(0.3)
    assert harness.sent_of_type("conversation.item.truncate") == []
    harness.wait(0.1)

    assert harness.sent_of_type("conversation.item.truncate")[0]["audio_end_ms"] == 2000
    assert harness.recorder.playback_reports[-1] == (2, 2000 * MS, True)


def test_interrupting_turn_gets_one_response_after_the_cancelled_one():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "What is going on?")
    harness.response("resp_2")
    harness.item("resp_2", "caller_2", "user_2")
    harness.text("resp_2", "caller_2", CALLER_LINE)
    harness.audio("resp_2", "caller_2", 2000)
    harness.played(2, 1000)
    harness.speech_started("user_3")
    harness.microphone(600)
    assert harness.sent[-1] == {"type": "response.cancel", "response_id": "resp_2"}
    harness.played(2, 1100, final=True)
    frames = len(harness.browser_messages_of(AudioFrame))
    harness.audio("resp_2", "caller_2", 500)
    harness.speech_stopped("user_3")
    harness.committed("user_3", "caller_2")
    assert len(harness.sent_of_type("response.create")) == 2

    harness.response_done("resp_2", "cancelled")

    assert len(harness.sent_of_type("response.create")) == 3
    assert len(harness.browser_messages_of(AudioFrame)) == frames
    assert harness.transcript[-2].text_heard == "I have not slept for"


def test_unheard_item_is_deleted_and_is_not_a_turn():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1", "What is going on?")
    harness.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, 3000)
    harness.speech_started("user_3")
    harness.microphone(600)
    harness.played(2, 0, final=True)
    harness.speech_stopped("user_3")

    harness.committed("user_3", "caller_2")

    assert harness.sent_of_type("conversation.item.delete") == [
        {"type": "conversation.item.delete", "item_id": "caller_2"}
    ]
    assert [turn.item for turn in harness.transcript] == ["user_1", "caller_1", "user_2", "user_3"]
    assert harness.transcript[-1].after == "user_2"


def test_later_items_of_an_interrupted_response_are_deleted():
    harness = ConversationHarness()
    harness.counselor_says("user_1", None, "Hello.")
    harness.response("resp_1")
    for item, previous in (("caller_1", "user_1"), ("caller_2", "caller_1")):
        harness.item("resp_1", item, previous)
        harness.text("resp_1", item, "one two")
        harness.audio("resp_1", item, 1000)
        harness.audio_done("resp_1", item)
    harness.played(1, 500)
    harness.speech_started("user_2")
    harness.microphone(620)
    harness.played(1, 600, final=True)
    harness.item("resp_1", "caller_3", "caller_2")
    harness.audio("resp_1", "caller_3", 500)

    harness.response_done("resp_1", "cancelled")

    assert [event["item_id"] for event in harness.sent_of_type("conversation.item.truncate")] == ["caller_1"]
    assert [event["item_id"] for event in harness.sent_of_type("conversation.item.delete")] == ["caller_2", "caller_3"]
    assert [turn.item for turn in harness.transcript] == ["user_1", "caller_1"]


def test_audio_received_while_the_counselor_speaks_is_held_back():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1")
    harness.response("resp_2")
    harness.speech_started("user_3")
    harness.item("resp_2", "caller_2", "user_2")
    frames = len(harness.browser_messages_of(AudioFrame))

    harness.audio("resp_2", "caller_2", 1000)
    assert len(harness.browser_messages_of(AudioFrame)) == frames
    harness.microphone(200)
    harness.speech_stopped("user_3")

    assert len(harness.browser_messages_of(AudioFrame)) == frames + 10
    assert harness.browser_messages_of(Pause) == []


def test_typed_text_interrupts_at_once():
    harness = conversation_mid_answer()

    harness.browser(Say("Wait."))
    harness.played(2, 2100, final=True)

    assert harness.browser_messages_of(Flush) == [Flush(2)]
    assert [event["type"] for event in harness.sent[-3:]] == [
        "conversation.item.create",
        "conversation.item.truncate",
        "response.create",
    ]
    assert harness.lines[-2:] == [("caller", "I have not slept for"), ("counselor", "Wait.")]


def test_playback_reports_are_capped_at_the_audio_sent():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1")
    harness.response("resp_2")
    harness.item("resp_2", "caller_2", "user_2")
    harness.text("resp_2", "caller_2", "one two three")
    harness.audio("resp_2", "caller_2", 1000)

    harness.played(2, 900_000)
    harness.browser(Say("Stop."))
    harness.played(2, 900_000, final=True)

    assert harness.sent_of_type("conversation.item.truncate")[0]["audio_end_ms"] == 1000


def test_flush_of_a_fully_played_item_is_not_an_interruption():
    harness = conversation_mid_answer()
    harness.wait(2.5)
    harness.browser(Say("Thank you."))

    harness.played(2, 4000, final=True)

    assert harness.sent_of_type("conversation.item.truncate") == []
    turn = harness.transcript[-2]
    assert (turn.text_heard, turn.is_interrupted) == (CALLER_LINE, False)


# The microphone


def test_muted_microphone_is_sent_and_recorded_as_silence():
    harness = ConversationHarness()
    harness.browser(Mute(True))

    harness.microphone(100)
    harness.browser(Mute(False))
    harness.microphone(20)

    assert harness.sent_audio[: 200 * MS] == bytes(200 * MS)
    assert harness.sent_audio[200 * MS :] != bytes(40 * MS)
    assert harness.recorder.microphone == harness.sent_audio
    assert harness.recorder.mutes == [True, False]


def test_turn_times_follow_the_recordings_clock():
    harness = ConversationHarness()
    harness.recorder.samples = 5000 * MS  # the recording began 5 s before this connection
    harness.microphone(1000, loud=False)

    harness.counselor_says("user_1", None, "Hello.", ms=1400)
    harness.caller_says("resp_1", "caller_1", "user_1", GREETING, 1000)
    harness.microphone(400, loud=False)
    harness.played(1, 200)
    harness.microphone(800, loud=False)
    harness.played(1, 1000, final=True)

    assert [(turn.start_ms, turn.end_ms) for turn in harness.transcript] == [(6000, 6600), (7600, 8600)]


def test_slow_upstream_drops_the_oldest_audio_but_no_event():
    harness = ConversationHarness()
    queue = harness.conversation.send_queue
    harness.browser(Say("Typed."))
    for index in range(150):
        harness.now += 0.01
        harness.conversation.receive_audio(AudioFrame(0, index * 480, pcm(20)), harness.now)

    assert queue.queued_samples == 2 * 24_000
    assert queue.dropped_samples == 24_000
    harness.collect()
    harness.upstream("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
    harness.committed("user_1", None)

    assert len(harness.sent_audio) == 2 * 2 * 24_000
    [spoken] = [turn for turn in harness.transcript if turn.source is TurnSource.SPOKEN]
    assert spoken.start_ms == 1000


# The end


def test_hang_up_waits_for_the_last_transcript():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1")
    harness.browser(HangUp())
    assert harness.conversation.end_reason is None

    harness.transcribed("user_2", "Goodbye.")

    assert harness.conversation.end_reason is CallEndReason.HUNG_UP
    assert harness.lines[-1] == ("counselor", "Goodbye.")


def test_hang_up_during_speech_commits_the_speech():
    harness = greeted_conversation()
    harness.speech_started("user_2")
    harness.microphone(400)

    harness.browser(HangUp())
    assert harness.sent[-1] == {"type": "input_audio_buffer.commit"}
    harness.committed("user_2", "caller_1")
    harness.transcribed("user_2", "Goodbye.")

    assert harness.lines[-1] == ("counselor", "Goodbye.")
    assert harness.conversation.end_reason is CallEndReason.HUNG_UP
    assert len(harness.sent_of_type("response.create")) == 1


def test_hang_up_does_not_wait_longer_than_two_seconds():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1")
    harness.browser(HangUp())

    harness.wait(2.1)

    assert harness.conversation.end_reason is CallEndReason.HUNG_UP
    assert harness.lines[-1] == ("counselor", "[inaudible]")


def test_hang_up_saves_what_was_heard_of_the_caller():
    harness = conversation_mid_answer()

    harness.browser(HangUp())

    turn = harness.transcript[-1]
    assert (turn.text_heard, turn.is_final, turn.is_interrupted) == ("I have not slept for", True, True)
    assert harness.recorder.playback_reports[-1] == (2, 2000 * MS, True)
    assert harness.conversation.end_reason is CallEndReason.HUNG_UP


def test_input_after_the_end_is_ignored():
    harness = greeted_conversation()
    harness.counselor_says("user_2", "caller_1")
    harness.browser(HangUp())
    heard = harness.recorder.samples

    harness.microphone(100)
    harness.browser(Say("One more thing."))
    harness.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE)

    assert harness.recorder.samples == heard
    assert len(harness.sent_of_type("response.create")) == 2
    assert [turn.item for turn in harness.transcript] == ["user_1", "caller_1", "user_2"]


def test_fatal_error_ends_the_call():
    harness = greeted_conversation()

    harness.upstream("error", error={"type": "insufficient_quota", "code": "insufficient_quota"})

    assert harness.conversation.end_reason is CallEndReason.CALLER_LOST


def test_fatal_error_inside_a_response_ends_the_call():
    harness = greeted_conversation()
    error = {"type": "insufficient_quota", "code": "insufficient_quota"}

    details = {"type": "failed", "error": error}
    harness.upstream("response.done", response={"id": "resp_2", "status": "failed", "status_details": details})

    assert harness.conversation.end_reason is CallEndReason.CALLER_LOST


def test_call_ends_at_its_maximum_duration():
    harness = ConversationHarness(limits=Limits(max_duration=30))

    for _ in range(31):
        harness.microphone(20, loud=False)
        harness.wait(1)

    assert harness.conversation.end_reason is CallEndReason.TOO_LONG


@pytest.mark.parametrize(("limits", "seconds"), [(Limits(), 5.2), (Limits(max_browser_backlog_bytes=50_000), 0.1)])
def test_call_ends_if_the_browser_stops_reading(limits, seconds):
    harness = ConversationHarness(limits=limits)
    harness.counselor_says("user_1", None)
    harness.collect = lambda: None  # from here on, the send queue is never drained

    harness.caller_says("resp_1", "caller_1", "user_1", GREETING, 3000)
    harness.wait(seconds)

    assert harness.conversation.end_reason is CallEndReason.LINE_LOST


# Resumed calls

HISTORY = (
    TurnSnapshot(1, "user_1", None, SpeakerRole.COUNSELOR, "Hello.", "Hello.", True, 0, 900),
    TurnSnapshot(
        2, "caller_1", "user_1", SpeakerRole.CALLER, CALLER_LINE, "I have not", True, 900, 2000, is_interrupted=True
    ),
    TurnSnapshot(3, "user_2", "caller_1", SpeakerRole.COUNSELOR, "", "", False, 2000, 2000),
)
HEARD = (HISTORY[0], replace(HISTORY[1], is_interrupted=False))


def test_resumed_call_replays_what_was_heard():
    harness = ConversationHarness(ready=False, is_resumed=True, history=HISTORY, revision=3)

    assert harness.sent[1:] == [
        {
            "type": "conversation.item.create",
            "item": {
                "id": "user_1",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hello."}],
            },
        },
        {
            "type": "conversation.item.create",
            "previous_item_id": "user_1",
            "item": {
                "id": "caller_1",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I have not"}],
            },
        },
    ]


def test_resumed_call_continues_its_transcript():
    harness = ConversationHarness(ready=False, is_resumed=True, history=HEARD, revision=2)
    harness.browser(Hello(1))
    harness.upstream("session.updated", session={})
    harness.added("user_1", None, "user")
    harness.added("caller_1", "user_1", "assistant")
    harness.wait(10)
    assert harness.sent_of_type("response.create") == []

    harness.counselor_says("user_9", "caller_1", "Go on.")

    assert harness.browser_messages[0] == Ready(resumed=True, recording=False, epoch=1)
    assert [message.item for message in harness.browser_messages[1:]] == ["caller_1", "user_9", "user_9"]
    assert [(turn.revision, turn.after) for turn in harness.turns] == [(3, "caller_1"), (4, "caller_1")]
    assert "response" not in harness.sent_of_type("response.create")[0]


def test_resumed_call_answers_a_waiting_counselor():
    harness = ConversationHarness(is_resumed=True, history=HISTORY, revision=3)

    assert len(harness.sent_of_type("response.create")) == 1


# Every valid order of events


@dataclass
class ConversationStep:
    name: str
    do: tuple  # method of the harness and its arguments
    after: list[str] = field(default_factory=list)  # names of the steps that must come first


def call_steps() -> list[ConversationStep]:
    """Return the steps of a call with an interruption. Any order that respects `after` is valid."""
    steps = [
        ConversationStep("commit_1", ("counselor_says", "user_1", None)),
        ConversationStep("words_1", ("transcribed", "user_1", "A.")),
    ]
    steps[1].after = ["commit_1"]
    steps += response_steps(1, "commit_1", "user_1", "I am here now.")
    steps += [
        ConversationStep("heard_1", ("played", 1, 1000, True), ["sound_done_1"]),
        ConversationStep("commit_2", ("counselor_says", "user_2", "caller_1"), ["heard_1", "done_1"]),
        ConversationStep("words_2", ("transcribed", "user_2", "B."), ["commit_2"]),
    ]
    steps += response_steps(2, "commit_2", "user_2", "one two three four five six")
    steps += [
        ConversationStep("part_2", ("played", 2, 500), ["sound_2"]),
        ConversationStep("cut_2", ("browser", Say("C.")), ["part_2"]),
        ConversationStep("heard_2", ("played", 2, 600, True), ["cut_2"]),
    ]
    return steps


def response_steps(n: int, commit: str, previous: str, text: str) -> list[ConversationStep]:
    response, item = f"resp_{n}", f"caller_{n}"
    half = len(text) // 2
    return [
        ConversationStep(f"created_{n}", ("response", response), [commit]),
        ConversationStep(f"item_{n}", ("item", response, item, previous), [f"created_{n}"]),
        ConversationStep(f"sound_{n}", ("audio", response, item, 1000), [f"item_{n}"]),
        ConversationStep(f"sound_done_{n}", ("audio_done", response, item), [f"sound_{n}"]),
        ConversationStep(f"text_a_{n}", ("text", response, item, text[:half]), [f"item_{n}"]),
        ConversationStep(f"text_b_{n}", ("text", response, item, text[half:]), [f"text_a_{n}"]),
        ConversationStep(f"text_done_{n}", ("text_done", response, item, text), [f"text_b_{n}"]),
        ConversationStep(f"done_{n}", ("response_done", response), [f"sound_done_{n}", f"text_done_{n}"]),
    ]


@st.composite
def step_orders(draw: st.DrawFn) -> list[ConversationStep]:
    waiting, done = call_steps(), []
    while waiting:
        possible = [step for step in waiting if {*step.after} <= {other.name for other in done}]
        step = draw(st.sampled_from(possible))
        waiting.remove(step)
        done.append(step)
    return done


@given(step_orders())
@settings(deadline=None, max_examples=150)
def test_every_valid_event_order_gives_the_same_transcript(order):
    harness = ConversationHarness()

    for step in order:
        method, *arguments = step.do
        getattr(harness, method)(*arguments)
    harness.wait(1)

    assert [(turn.role, turn.text_heard, turn.is_interrupted, turn.is_final) for turn in harness.transcript] == [
        ("counselor", "A.", False, True),
        ("caller", "I am here now.", False, True),
        ("counselor", "B.", False, True),
        ("caller", "one two three", True, True),
        ("counselor", "C.", False, True),
    ]
    assert len(harness.sent_of_type("response.create")) == 3
