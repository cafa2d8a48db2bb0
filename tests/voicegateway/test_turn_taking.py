from dataclasses import replace

import pytest

from tests.voicegateway.fakes import CALL_CONFIG, FakeRecorder
from training.transcript import SpeakerRole, TurnSnapshot
from voicegateway.conversation.call_config import Limits, PatienceTimings
from voicegateway.conversation.caller import CallerSide
from voicegateway.conversation.counselor import CounselorSide
from voicegateway.conversation.send_queue import SendQueue
from voicegateway.conversation.transcript import Transcript
from voicegateway.conversation.turn_taking import TurnTaking
from voicegateway.conversation.watchdog import Watchdog
from voicegateway.upstream.connection_state import ConnectionState
from voicegateway.upstream.responses import ResponseTrigger

NOW = 100.0


class TurnTakingHarness:
    """Turn-taking between two sides over a configured connection."""

    def __init__(self, **config: object) -> None:
        limits = Limits(greeting_wait=2.0, max_failed_responses=3)
        config = replace(CALL_CONFIG, **{"greeting": "", "patience": PatienceTimings(800, 20.0)} | config)
        self.queue = SendQueue(limits)
        self.queue.begin_session([], [])
        transcript, recorder = Transcript((), 0), FakeRecorder()
        self.caller = CallerSide(self.queue, recorder, transcript, limits)
        self.counselor = CounselorSide(self.queue, recorder, transcript, limits, 800)
        self.connection = ConnectionState(limits, NOW)
        self.connection.mark_configured()
        watchdog = Watchdog(limits, NOW)
        self.turn_taking = TurnTaking(
            config, self.queue, self.caller, self.counselor, self.connection, watchdog, limits
        )

    @property
    def requested(self) -> ResponseTrigger | None:
        responses = self.caller.responses
        return responses.trigger if responses.is_requested else None

    @property
    def sent(self) -> list[str]:
        return [event["type"] for event in self.queue.upstream_queue]


def spoken(role: SpeakerRole, is_interrupted: bool = False) -> TurnSnapshot:
    return TurnSnapshot(1, "item_1", None, role, "Hello.", "Hello.", True, 0, 500, is_interrupted=is_interrupted)


@pytest.mark.parametrize(
    ("history", "requested"),
    [
        ((), None),
        ((spoken(SpeakerRole.COUNSELOR),), ResponseTrigger.TURN),
        ((spoken(SpeakerRole.CALLER),), None),
        ((spoken(SpeakerRole.CALLER, is_interrupted=True),), ResponseTrigger.RECONNECTED),
    ],
)
def test_begin_requests_the_response_that_an_earlier_epoch_missed(history, requested):
    harness = TurnTakingHarness(history=history)

    harness.turn_taking.begin(NOW)

    assert harness.requested is requested


@pytest.mark.parametrize(("seconds", "requested"), [(5.9, None), (6.0, ResponseTrigger.TURN)])
def test_caller_opens_after_a_silence(seconds, requested):
    harness = TurnTakingHarness(caller_opens_after=6.0)
    harness.turn_taking.begin(NOW)

    harness.turn_taking.request_after_silence(NOW + seconds)

    assert harness.requested is requested


def test_caller_does_not_open_before_the_call_is_ready():
    harness = TurnTakingHarness(caller_opens_after=0.0)

    harness.turn_taking.request_after_silence(NOW + 60)

    assert harness.requested is None


def test_caller_breaks_a_silence_once_until_the_counselor_is_answered():
    harness = TurnTakingHarness()
    harness.turn_taking.begin(NOW)
    harness.counselor.has_spoken = True

    requests = []
    for seconds in (19.9, 20.0, 40.0):
        harness.turn_taking.request_after_silence(NOW + seconds)
        requests.append(harness.requested)
        harness.caller.responses.is_requested = False
    harness.turn_taking.request_answer()
    harness.caller.responses.is_requested = False
    harness.turn_taking.request_after_silence(NOW + 60)

    assert requests == [None, ResponseTrigger.LONG_SILENCE, None]
    assert harness.requested is ResponseTrigger.LONG_SILENCE


def test_pending_request_is_sent_once_the_connection_is_configured():
    harness = TurnTakingHarness()
    harness.connection.is_configured = False
    harness.turn_taking.request_answer()

    harness.turn_taking.send_due_request(NOW)
    early = harness.sent
    harness.connection.mark_configured()
    harness.turn_taking.send_due_request(NOW)
    harness.turn_taking.send_due_request(NOW)

    assert (early, harness.sent) == ([], ["response.create"])


def test_first_request_waits_for_the_greeting_but_not_for_long():
    harness = TurnTakingHarness(greeting=None)
    harness.turn_taking.request_answer()

    sent = []
    for seconds in (0.0, 1.9, 2.0):
        harness.turn_taking.send_due_request(NOW + seconds)
        sent.append(len(harness.sent))

    assert sent == [0, 0, 1]


def test_failed_response_is_retried_with_a_doubling_delay_up_to_the_limit():
    harness = TurnTakingHarness()
    harness.turn_taking.request_answer()

    retried, not_before = [], []
    for _ in range(3):
        retried.append(harness.turn_taking.retry_failed_response(NOW))
        not_before.append(harness.caller.responses.not_before)

    assert retried == [True, True, False]
    assert not_before == [NOW + 1, NOW + 2, float("-inf")]
    assert (harness.requested, harness.caller.responses.failures) == (ResponseTrigger.TURN, 0)


def test_silent_response_is_requested_once_more_with_its_trigger():
    harness = TurnTakingHarness()
    harness.caller.responses.request(ResponseTrigger.LONG_SILENCE)

    first = harness.turn_taking.retry_silent_response(), harness.requested
    second = harness.turn_taking.retry_silent_response(), harness.requested

    assert first == (True, ResponseTrigger.LONG_SILENCE)
    assert second == (False, None)


def test_audible_response_between_two_silent_ones_starts_the_count_again():
    harness = TurnTakingHarness()

    retried = [harness.turn_taking.retry_silent_response()]
    harness.turn_taking.note_audible_response()
    retried.append(harness.turn_taking.retry_silent_response())

    assert retried == [True, True]
