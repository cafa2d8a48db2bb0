from voicegateway.conversation.call_config import CallEndReason, CallOutcome, Limits
from voicegateway.conversation.ending import Ending


def test_end_waits_for_the_last_transcripts():
    ending = Ending(Limits(final_transcripts_within=2.0))

    ending.request(CallEndReason.HUNG_UP, 10.0)

    assert (ending.is_requested, ending.is_over, ending.reason) == (True, False, None)
    assert [ending.is_due(now) for now in (10.0, 11.9, 12.0)] == [False, False, True]


def test_only_the_first_reason_counts():
    ending = Ending(Limits(final_transcripts_within=2.0))

    assert ending.request(CallEndReason.HUNG_UP, 10.0)
    assert not ending.request(CallEndReason.IDLE, 11.0)

    assert (ending.requested_reason, ending.deadline) == (CallEndReason.HUNG_UP, 12.0)


def test_end_is_completed_once_and_only_after_a_request():
    ending = Ending(Limits())

    too_early = ending.complete()
    ending.request(CallEndReason.TOO_LONG, 10.0)
    completed = [ending.complete(), ending.complete()]

    assert (too_early, completed) == (False, [True, False])
    assert (ending.is_over, ending.reason) == (True, CallEndReason.TOO_LONG)


def test_outcome_of_a_call_without_an_end_is_a_failure():
    assert Ending(Limits()).outcome == CallOutcome(CallEndReason.FAILED)


def test_outcome_contains_reason_details_and_close_code():
    ending = Ending(Limits())
    ending.detail, ending.not_gradable_reason, ending.close_code = "http_401", "The caller could not be heard.", 4008

    ending.request(CallEndReason.CALLER_LOST, 10.0)
    ending.complete()

    assert ending.outcome == CallOutcome(
        CallEndReason.CALLER_LOST, "http_401", "The caller could not be heard.", close_code=4008
    )
