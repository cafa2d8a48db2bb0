from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voicegateway.fakes import CALL_CONFIG, MS, ConversationHarness, pcm
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource
from voicegateway.browser.protocol import AudioFrame, Flush, HangUp, Hello, ItemEnd, Mute, Pause, Ready, Resume, Say
from voicegateway.conversation.call_config import CallEndReason, Limits, PatienceTimings

GREETING = "Hello? Is somebody there?"
CALLER_LINE = "I have not slept for three days and nobody knows."


def greeted_conversation() -> ConversationHarness:
    """Return a call in which the counselor has answered and the caller's greeting has played."""
    scene = ConversationHarness()
    scene.counselor_says("user_1", None, "Crisis line, this is Anna.")
    scene.caller_says("resp_1", "caller_1", "user_1", GREETING, 1000)
    scene.played(1, 1000, final=True)
    return scene


def conversation_mid_answer(ms: int = 4000) -> ConversationHarness:
    """Return the greeted call during a longer answer of the caller: `ms` milliseconds, half of them played."""
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1", "What is going on?")
    scene.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, ms)
    scene.wait(ms / 2000)
    scene.played(2, ms // 2)
    return scene


# Whole calls


def test_whole_call_is_saved_in_spoken_order():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1", "What is going on?")
    scene.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, 1500)
    scene.played(2, 1500, final=True)

    scene.browser(HangUp())

    assert scene.lines == [
        ("counselor", "Crisis line, this is Anna."),
        ("caller", GREETING),
        ("counselor", "What is going on?"),
        ("caller", CALLER_LINE),
    ]
    assert scene.conversation.end_reason is CallEndReason.HUNG_UP


def test_upstream_is_configured_before_anything_else():
    scene = ConversationHarness(ready=False, patience=PatienceTimings(900, 20.0))

    session = scene.sent[0]["session"]
    assert scene.sent[0]["type"] == "session.update"
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
    scene = ConversationHarness(ready=False, is_recorded=True)
    steps = [lambda: scene.browser(Hello(0)), lambda: scene.upstream("session.updated", session={})]

    first, second = steps if browser_first else reversed(steps)
    first()
    assert scene.told == []
    second()
    second()

    assert scene.told == [Ready(resumed=False, recording=True, epoch=1)]


# The opening


def test_first_response_requests_the_greeting_verbatim():
    scene = ConversationHarness()

    scene.counselor_says("user_1", None)

    [create] = scene.sent_of("response.create")
    assert create["response"]["instructions"].startswith(CALL_CONFIG.instructions)
    assert f"««{GREETING}»»" in create["response"]["instructions"]


def test_caller_opens_after_six_seconds_of_silence():
    scene = ConversationHarness()

    scene.wait(5.9)
    assert scene.sent_of("response.create") == []
    scene.wait(3)

    [create] = scene.sent_of("response.create")
    assert f"««{GREETING}»»" in create["response"]["instructions"]


def test_caller_does_not_open_while_the_counselor_speaks():
    scene = ConversationHarness()

    scene.speech_started("user_1")
    scene.wait(8)

    assert scene.sent_of("response.create") == []


def test_typed_turn_requests_the_greeting():
    scene = ConversationHarness()

    scene.browser(Say("  Crisis line, Anna speaking.  "))

    [item] = scene.sent_of("conversation.item.create")
    assert item["item"]["content"] == [{"type": "input_text", "text": "Crisis line, Anna speaking."}]
    assert "««" in scene.sent_of("response.create")[0]["response"]["instructions"]
    [turn] = scene.transcript
    assert (turn.item, turn.source, turn.is_final) == (item["item"]["id"], TurnSource.TYPED, True)


def test_first_response_without_a_greeting_has_no_instructions():
    scene = ConversationHarness(greeting="")

    scene.counselor_says("user_1", None)

    assert "response" not in scene.sent_of("response.create")[0]


def test_late_greeting_is_requested_when_it_arrives():
    scene = ConversationHarness(greeting=None)

    scene.counselor_says("user_1", None)
    assert scene.sent_of("response.create") == []
    scene.conversation.set_greeting("It is me again.")
    scene.collect()

    assert "««It is me again.»»" in scene.sent_of("response.create")[0]["response"]["instructions"]


def test_missing_greeting_delays_the_first_response_by_two_seconds():
    scene = ConversationHarness(greeting=None)
    scene.counselor_says("user_1", None)

    scene.wait(2.1)

    assert ["response" in event for event in scene.sent_of("response.create")] == [False]


def test_unheard_greeting_is_requested_again():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None, "Hello")
    scene.response("resp_1")
    scene.counselor_says("user_2", "user_1", "this is Anna.", ms=1000)

    scene.response_done("resp_1", "cancelled")

    assert len(scene.sent_of("response.create")) == 2
    assert "««" in scene.sent_of("response.create")[1]["response"]["instructions"]


def test_second_response_is_requested_without_instructions():
    scene = greeted_conversation()

    scene.counselor_says("user_2", "caller_1")

    assert "response" not in scene.sent_of("response.create")[1]


# Order of turns


def test_turns_keep_spoken_order_with_late_transcriptions():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)
    scene.caller_says("resp_1", "caller_1", "user_1", GREETING)
    scene.played(1, 1000, final=True)
    scene.counselor_says("user_2", "caller_1")

    scene.transcribed("user_2", "Second.")
    scene.transcribed("user_1", "First.")

    assert scene.lines == [("counselor", "First."), ("caller", GREETING), ("counselor", "Second.")]


def test_turn_is_saved_before_its_transcript_arrives():
    scene = ConversationHarness()

    scene.counselor_says("user_1", None)

    [turn] = scene.turns
    assert (turn.revision, turn.item, turn.after, turn.text_heard, turn.is_final) == (1, "user_1", None, "", False)


def test_failed_or_empty_transcription_is_marked_inaudible():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)
    scene.counselor_says("user_2", "user_1")

    scene.upstream("conversation.item.input_audio_transcription.failed", item_id="user_1", error={})
    scene.transcribed("user_2", " ")

    assert scene.lines == [("counselor", "[inaudible]"), ("counselor", "[inaudible]")]


def test_duplicate_and_unknown_events_change_nothing():
    scene = greeted_conversation()
    before = scene.lines, len(scene.turns), len(scene.sent)

    scene.committed("user_1", None)
    scene.transcribed("user_1", "Something else.")
    scene.transcribed("nobody", "Boo.")
    scene.audio("resp_1", "caller_1", 500)
    scene.text_done("resp_1", "caller_1", "Something else.")
    scene.response_done("resp_1")
    scene.upstream("something.new", item_id="user_1")
    scene.played(1, 1000, final=True)
    scene.played(9, 1000, final=True)

    assert (scene.lines, len(scene.turns), len(scene.sent)) == before


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
    scene = ConversationHarness()

    scene.conversation.receive_event(fields, scene.now)

    scene.counselor_says("user_1", None, "Still here.")
    assert scene.lines == [("counselor", "Still here.")]


def test_revisions_continue_from_the_config():
    scene = ConversationHarness(revision=40)

    scene.counselor_says("user_1", None, "Hello.")

    assert [turn.revision for turn in scene.turns] == [41, 42]


# One response at a time


def test_second_turn_waits_for_the_end_of_the_cancelled_response():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)
    scene.browser(Say("And how old are you?"))

    assert len(scene.sent_of("response.create")) == 1
    scene.response("resp_1")
    assert scene.sent_of("response.cancel") == [{"type": "response.cancel", "response_id": "resp_1"}]
    scene.response_done("resp_1", "cancelled")

    assert len(scene.sent_of("response.create")) == 2


def test_two_turns_during_a_response_request_one_new_response():
    scene = conversation_mid_answer()
    scene.browser(Say("One."))
    scene.browser(Say("Two."))

    scene.played(2, 2100, final=True)

    assert len(scene.sent_of("response.create")) == 3


def test_refused_response_does_not_block_the_next_one():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)
    scene.responses_open = 0

    scene.upstream("error", error={"code": "server_error", "event_id": "response_1"})
    scene.counselor_says("user_2", "user_1")

    assert len(scene.sent_of("response.create")) == 2


def test_colliding_response_is_requested_again_after_the_active_one():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)

    scene.upstream("error", error={"code": "conversation_already_has_active_response", "event_id": "response_1"})
    assert len(scene.sent_of("response.create")) == 1
    scene.response_done("somebody_elses")

    assert len(scene.sent_of("response.create")) == 2


@pytest.mark.parametrize("code", ["response_cancel_not_active", "invalid_value", "unsupported_content_type"])
def test_harmless_errors_change_nothing(code):
    scene = conversation_mid_answer()
    before = len(scene.sent), len(scene.told)

    scene.upstream("error", error={"type": "invalid_request_error", "code": code})

    assert (len(scene.sent), len(scene.told)) == before


# The caller's audio


def test_caller_audio_is_sent_and_recorded_in_frames_of_at_most_100_ms():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)

    scene.caller_says("resp_1", "caller_1", "user_1", GREETING, 250)

    frames = scene.told_of(AudioFrame)
    assert [(frame.item, frame.index, frame.samples) for frame in frames] == [
        (1, 0, 2400),
        (1, 2400, 2400),
        (1, 4800, 1200),
    ]
    assert scene.recorder.caller_frames == [(frame.item, frame.index, frame.samples) for frame in frames]
    assert scene.told[-1] == ItemEnd(1, 6000)


def test_caller_audio_is_sent_two_seconds_ahead_of_playback():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None)
    scene.caller_says("resp_1", "caller_1", "user_1", GREETING, 10_000)

    assert sum(frame.samples for frame in scene.told_of(AudioFrame)) == 2000 * MS
    scene.wait(1)
    assert sum(frame.samples for frame in scene.told_of(AudioFrame)) == pytest.approx(3000 * MS, abs=100 * MS)
    scene.played(1, 500)
    assert sum(frame.samples for frame in scene.told_of(AudioFrame)) == pytest.approx(3000 * MS, abs=100 * MS)
    scene.wait(9)

    assert sum(frame.samples for frame in scene.told_of(AudioFrame)) == 10_000 * MS
    assert scene.told_of(ItemEnd) == [ItemEnd(1, 10_000 * MS)]


def test_queued_caller_audio_is_bounded_and_dropped_audio_is_not_heard():
    scene = ConversationHarness(limits=Limits(max_queued_caller_audio=3.0))
    scene.counselor_says("user_1", None)
    scene.response("resp_1")
    scene.item("resp_1", "caller_1", "user_1")
    scene.text("resp_1", "caller_1", "one two three four five six seven eight nine ten")
    for _ in range(20):
        scene.audio("resp_1", "caller_1", 500)
    scene.audio_done("resp_1", "caller_1")
    scene.response_done("resp_1")
    scene.wait(5)
    kept = sum(frame.samples for frame in scene.told_of(AudioFrame))

    scene.played(1, kept // MS, final=True)

    assert kept == 5000 * MS
    assert scene.lines[-1] == ("caller", "one two three four five")


def test_items_of_one_response_are_played_in_order():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None, "Hello.")
    scene.response("resp_1")
    scene.item("resp_1", "caller_1", "user_1")
    scene.item("resp_1", "caller_2", "caller_1")
    scene.audio("resp_1", "caller_1", 200)
    scene.audio("resp_1", "caller_2", 100)
    scene.audio_done("resp_1", "caller_1")
    scene.text_done("resp_1", "caller_1", "One.")
    scene.text_done("resp_1", "caller_2", "Two.")
    scene.response_done("resp_1")

    scene.played(1, 200, final=True)
    scene.played(2, 100, final=True)

    assert [frame.item for frame in scene.told_of(AudioFrame)] == [1, 1, 2]
    assert scene.lines == [("counselor", "Hello."), ("caller", "One."), ("caller", "Two.")]


def test_partial_text_follows_playback_and_is_saved_once():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1", "Go on.")
    scene.caller_says("resp_2", "caller_2", "user_2", "one two three four", 2000)

    for ms in range(100, 2000, 100):
        scene.wait(0.1)
        scene.played(2, ms)

    shown = [message.text for message in scene.told if getattr(message, "item", None) == "caller_2"]
    assert shown[0] == "one"
    assert shown[-1] == "one two three"
    assert len(shown) <= 10
    assert [turn.is_final for turn in scene.turns if turn.item == "caller_2"] == [False]


def test_turn_is_final_only_with_its_complete_text():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None, "Hello.")
    scene.response("resp_1")
    scene.item("resp_1", "caller_1", "user_1")
    scene.audio("resp_1", "caller_1", 300)
    scene.audio_done("resp_1", "caller_1")
    scene.played(1, 300, final=True)
    assert scene.lines == [("counselor", "Hello.")]

    scene.text_done("resp_1", "caller_1", "Hi.")

    assert scene.lines == [("counselor", "Hello."), ("caller", "Hi.")]


# Barge-in


def test_overlapping_speech_pauses_the_caller_at_once():
    scene = conversation_mid_answer()

    scene.speech_started("user_3")

    assert scene.told[-1] == Pause()


def test_backchannel_resumes_the_caller_and_gets_no_response():
    scene = conversation_mid_answer()
    scene.speech_started("user_3")
    scene.microphone(240)
    scene.microphone(200, loud=False)
    scene.speech_stopped("user_3")
    scene.committed("user_3", "caller_2")
    scene.transcribed("user_3", "Mm-hm.")

    scene.wait(2.5)
    scene.played(2, 4000, final=True)

    assert [type(message) for message in scene.told if isinstance(message, Pause | Resume | Flush)] == [Pause, Resume]
    assert len(scene.sent_of("response.create")) == 2
    assert scene.lines[-2:] == [("caller", CALLER_LINE), ("counselor", "Mm-hm.")]
    assert not scene.transcript[-2].is_interrupted


def test_caller_resumes_after_quiet_that_upstream_has_not_reported():
    scene = conversation_mid_answer()
    scene.speech_started("user_3")

    scene.microphone(200)
    scene.microphone(340, loud=False)

    assert scene.told_of(Resume) == [Resume()]


def test_speech_at_the_callers_last_words_is_a_turn():
    scene = conversation_mid_answer()
    scene.wait(1.6)
    scene.played(2, 3700)
    scene.speech_started("user_3")
    scene.microphone(240)
    scene.speech_stopped("user_3")
    scene.committed("user_3", "caller_2")
    scene.played(2, 4000, final=True)

    assert scene.told_of(Flush) == []
    assert len(scene.sent_of("response.create")) == 3


def test_barge_in_stops_the_caller_and_saves_what_was_heard():
    scene = conversation_mid_answer()
    scene.speech_started("user_3")
    scene.microphone(620)
    assert scene.told[-1] == Flush(2)

    scene.played(2, 2200, final=True)

    assert scene.sent[-1] == {
        "type": "conversation.item.truncate",
        "item_id": "caller_2",
        "content_index": 0,
        "audio_end_ms": 2200,
    }
    turn = scene.transcript[-1]
    assert (turn.text_generated, turn.text_heard) == (CALLER_LINE, "I have not slept for three")
    assert (turn.is_final, turn.is_interrupted, turn.end_ms - turn.start_ms) == (True, True, 2200)
    assert scene.recorder.playback_reports[-1] == (2, 2200 * MS, True)
    assert scene.told_of(Resume) == [Resume()]


def test_missing_flush_report_delays_truncation_by_at_most_400_ms():
    scene = conversation_mid_answer()
    scene.speech_started("user_3")
    scene.microphone(620)

    scene.wait(0.3)
    assert scene.sent_of("conversation.item.truncate") == []
    scene.wait(0.1)

    assert scene.sent_of("conversation.item.truncate")[0]["audio_end_ms"] == 2000
    assert scene.recorder.playback_reports[-1] == (2, 2000 * MS, True)


def test_interrupting_turn_gets_one_response_after_the_cancelled_one():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1", "What is going on?")
    scene.response("resp_2")
    scene.item("resp_2", "caller_2", "user_2")
    scene.text("resp_2", "caller_2", CALLER_LINE)
    scene.audio("resp_2", "caller_2", 2000)
    scene.played(2, 1000)
    scene.speech_started("user_3")
    scene.microphone(600)
    assert scene.sent[-1] == {"type": "response.cancel", "response_id": "resp_2"}
    scene.played(2, 1100, final=True)
    frames = len(scene.told_of(AudioFrame))
    scene.audio("resp_2", "caller_2", 500)
    scene.speech_stopped("user_3")
    scene.committed("user_3", "caller_2")
    assert len(scene.sent_of("response.create")) == 2

    scene.response_done("resp_2", "cancelled")

    assert len(scene.sent_of("response.create")) == 3
    assert len(scene.told_of(AudioFrame)) == frames
    assert scene.transcript[-2].text_heard == "I have not slept for"


def test_unheard_item_is_deleted_and_is_not_a_turn():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1", "What is going on?")
    scene.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE, 3000)
    scene.speech_started("user_3")
    scene.microphone(600)
    scene.played(2, 0, final=True)
    scene.speech_stopped("user_3")

    scene.committed("user_3", "caller_2")

    assert scene.sent_of("conversation.item.delete") == [{"type": "conversation.item.delete", "item_id": "caller_2"}]
    assert [turn.item for turn in scene.transcript] == ["user_1", "caller_1", "user_2", "user_3"]
    assert scene.transcript[-1].after == "user_2"


def test_later_items_of_an_interrupted_response_are_deleted():
    scene = ConversationHarness()
    scene.counselor_says("user_1", None, "Hello.")
    scene.response("resp_1")
    for item, previous in (("caller_1", "user_1"), ("caller_2", "caller_1")):
        scene.item("resp_1", item, previous)
        scene.text("resp_1", item, "one two")
        scene.audio("resp_1", item, 1000)
        scene.audio_done("resp_1", item)
    scene.played(1, 500)
    scene.speech_started("user_2")
    scene.microphone(620)
    scene.played(1, 600, final=True)
    scene.item("resp_1", "caller_3", "caller_2")
    scene.audio("resp_1", "caller_3", 500)

    scene.response_done("resp_1", "cancelled")

    assert [event["item_id"] for event in scene.sent_of("conversation.item.truncate")] == ["caller_1"]
    assert [event["item_id"] for event in scene.sent_of("conversation.item.delete")] == ["caller_2", "caller_3"]
    assert [turn.item for turn in scene.transcript] == ["user_1", "caller_1"]


def test_audio_received_while_the_counselor_speaks_is_held_back():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1")
    scene.response("resp_2")
    scene.speech_started("user_3")
    scene.item("resp_2", "caller_2", "user_2")
    frames = len(scene.told_of(AudioFrame))

    scene.audio("resp_2", "caller_2", 1000)
    assert len(scene.told_of(AudioFrame)) == frames
    scene.microphone(200)
    scene.speech_stopped("user_3")

    assert len(scene.told_of(AudioFrame)) == frames + 10
    assert scene.told_of(Pause) == []


def test_typed_text_interrupts_at_once():
    scene = conversation_mid_answer()

    scene.browser(Say("Wait."))
    scene.played(2, 2100, final=True)

    assert scene.told_of(Flush) == [Flush(2)]
    assert [event["type"] for event in scene.sent[-3:]] == [
        "conversation.item.create",
        "conversation.item.truncate",
        "response.create",
    ]
    assert scene.lines[-2:] == [("caller", "I have not slept for"), ("counselor", "Wait.")]


def test_playback_reports_are_capped_at_the_audio_sent():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1")
    scene.response("resp_2")
    scene.item("resp_2", "caller_2", "user_2")
    scene.text("resp_2", "caller_2", "one two three")
    scene.audio("resp_2", "caller_2", 1000)

    scene.played(2, 900_000)
    scene.browser(Say("Stop."))
    scene.played(2, 900_000, final=True)

    assert scene.sent_of("conversation.item.truncate")[0]["audio_end_ms"] == 1000


def test_flush_of_a_fully_played_item_is_not_an_interruption():
    scene = conversation_mid_answer()
    scene.wait(2.5)
    scene.browser(Say("Thank you."))

    scene.played(2, 4000, final=True)

    assert scene.sent_of("conversation.item.truncate") == []
    turn = scene.transcript[-2]
    assert (turn.text_heard, turn.is_interrupted) == (CALLER_LINE, False)


# The microphone


def test_muted_microphone_is_sent_and_recorded_as_silence():
    scene = ConversationHarness()
    scene.browser(Mute(True))

    scene.microphone(100)
    scene.browser(Mute(False))
    scene.microphone(20)

    assert scene.sound[: 200 * MS] == bytes(200 * MS)
    assert scene.sound[200 * MS :] != bytes(40 * MS)
    assert scene.recorder.microphone == scene.sound
    assert scene.recorder.mutes == [True, False]


def test_turn_times_follow_the_recordings_clock():
    scene = ConversationHarness()
    scene.recorder.samples = 5000 * MS  # the recording began 5 s before this connection
    scene.microphone(1000, loud=False)

    scene.counselor_says("user_1", None, "Hello.", ms=1400)
    scene.caller_says("resp_1", "caller_1", "user_1", GREETING, 1000)
    scene.microphone(400, loud=False)
    scene.played(1, 200)
    scene.microphone(800, loud=False)
    scene.played(1, 1000, final=True)

    assert [(turn.start_ms, turn.end_ms) for turn in scene.transcript] == [(6000, 6600), (7600, 8600)]


def test_slow_upstream_drops_the_oldest_audio_but_no_event():
    scene = ConversationHarness()
    box = scene.conversation.send_queue
    scene.browser(Say("Typed."))
    for index in range(150):
        scene.now += 0.01
        scene.conversation.receive_audio(AudioFrame(0, index * 480, pcm(20)), scene.now)

    assert box.queued_samples == 2 * 24_000
    assert box.dropped_samples == 24_000
    scene.collect()
    scene.upstream("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
    scene.committed("user_1", None)

    assert len(scene.sound) == 2 * 2 * 24_000
    [spoken] = [turn for turn in scene.transcript if turn.source is TurnSource.SPOKEN]
    assert spoken.start_ms == 1000


# The end


def test_hang_up_waits_for_the_last_transcript():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1")
    scene.browser(HangUp())
    assert scene.conversation.end_reason is None

    scene.transcribed("user_2", "Goodbye.")

    assert scene.conversation.end_reason is CallEndReason.HUNG_UP
    assert scene.lines[-1] == ("counselor", "Goodbye.")


def test_hang_up_during_speech_commits_the_speech():
    scene = greeted_conversation()
    scene.speech_started("user_2")
    scene.microphone(400)

    scene.browser(HangUp())
    assert scene.sent[-1] == {"type": "input_audio_buffer.commit"}
    scene.committed("user_2", "caller_1")
    scene.transcribed("user_2", "Goodbye.")

    assert scene.lines[-1] == ("counselor", "Goodbye.")
    assert scene.conversation.end_reason is CallEndReason.HUNG_UP
    assert len(scene.sent_of("response.create")) == 1


def test_hang_up_does_not_wait_longer_than_two_seconds():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1")
    scene.browser(HangUp())

    scene.wait(2.1)

    assert scene.conversation.end_reason is CallEndReason.HUNG_UP
    assert scene.lines[-1] == ("counselor", "[inaudible]")


def test_hang_up_saves_what_was_heard_of_the_caller():
    scene = conversation_mid_answer()

    scene.browser(HangUp())

    turn = scene.transcript[-1]
    assert (turn.text_heard, turn.is_final, turn.is_interrupted) == ("I have not slept for", True, True)
    assert scene.recorder.playback_reports[-1] == (2, 2000 * MS, True)
    assert scene.conversation.end_reason is CallEndReason.HUNG_UP


def test_input_after_the_end_is_ignored():
    scene = greeted_conversation()
    scene.counselor_says("user_2", "caller_1")
    scene.browser(HangUp())
    heard = scene.recorder.samples

    scene.microphone(100)
    scene.browser(Say("One more thing."))
    scene.caller_says("resp_2", "caller_2", "user_2", CALLER_LINE)

    assert scene.recorder.samples == heard
    assert len(scene.sent_of("response.create")) == 2
    assert [turn.item for turn in scene.transcript] == ["user_1", "caller_1", "user_2"]


def test_fatal_error_ends_the_call():
    scene = greeted_conversation()

    scene.upstream("error", error={"type": "insufficient_quota", "code": "insufficient_quota"})

    assert scene.conversation.end_reason is CallEndReason.CALLER_LOST


def test_fatal_error_inside_a_response_ends_the_call():
    scene = greeted_conversation()
    error = {"type": "insufficient_quota", "code": "insufficient_quota"}

    details = {"type": "failed", "error": error}
    scene.upstream("response.done", response={"id": "resp_2", "status": "failed", "status_details": details})

    assert scene.conversation.end_reason is CallEndReason.CALLER_LOST


def test_call_ends_at_its_maximum_duration():
    scene = ConversationHarness(limits=Limits(max_duration=30))

    for _ in range(31):
        scene.microphone(20, loud=False)
        scene.wait(1)

    assert scene.conversation.end_reason is CallEndReason.TOO_LONG


@pytest.mark.parametrize(("limits", "seconds"), [(Limits(), 5.2), (Limits(max_browser_backlog_bytes=50_000), 0.1)])
def test_call_ends_if_the_browser_stops_reading(limits, seconds):
    scene = ConversationHarness(limits=limits)
    scene.counselor_says("user_1", None)
    scene.collect = lambda: None  # from here on, the send queue is never drained

    scene.caller_says("resp_1", "caller_1", "user_1", GREETING, 3000)
    scene.wait(seconds)

    assert scene.conversation.end_reason is CallEndReason.LINE_LOST


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
    scene = ConversationHarness(ready=False, is_resumed=True, history=HISTORY, revision=3)

    assert scene.sent[1:] == [
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
    scene = ConversationHarness(ready=False, is_resumed=True, history=HEARD, revision=2)
    scene.browser(Hello(1))
    scene.upstream("session.updated", session={})
    scene.added("user_1", None, "user")
    scene.added("caller_1", "user_1", "assistant")
    scene.wait(10)
    assert scene.sent_of("response.create") == []

    scene.counselor_says("user_9", "caller_1", "Go on.")

    assert scene.told[0] == Ready(resumed=True, recording=False, epoch=1)
    assert [message.item for message in scene.told[1:]] == ["caller_1", "user_9", "user_9"]
    assert [(turn.revision, turn.after) for turn in scene.turns] == [(3, "caller_1"), (4, "caller_1")]
    assert "response" not in scene.sent_of("response.create")[0]


def test_resumed_call_answers_a_waiting_counselor():
    scene = ConversationHarness(is_resumed=True, history=HISTORY, revision=3)

    assert len(scene.sent_of("response.create")) == 1


# Every legal order of events


@dataclass
class ConversationStep:
    name: str
    do: tuple  # method of the harness and its arguments
    after: list[str] = field(default_factory=list)  # names of the steps that must come first


def script() -> list[ConversationStep]:
    """Return the steps of a call with an interruption. Any order that respects `after` is legal."""
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
    waiting, done = script(), []
    while waiting:
        possible = [step for step in waiting if {*step.after} <= {other.name for other in done}]
        step = draw(st.sampled_from(possible))
        waiting.remove(step)
        done.append(step)
    return done


@given(step_orders())
@settings(deadline=None, max_examples=150)
def test_every_valid_event_order_gives_the_same_transcript(order):
    scene = ConversationHarness()

    for step in order:
        method, *arguments = step.do
        getattr(scene, method)(*arguments)
    scene.wait(1)

    assert [(turn.role, turn.text_heard, turn.is_interrupted, turn.is_final) for turn in scene.transcript] == [
        ("counselor", "A.", False, True),
        ("caller", "I am here now.", False, True),
        ("counselor", "B.", False, True),
        ("caller", "one two three", True, True),
        ("counselor", "C.", False, True),
    ]
    assert len(scene.sent_of("response.create")) == 3
