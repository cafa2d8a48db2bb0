from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from recordings.models import Recording, RecordingConsent
from scenarios.models import Scenario
from tests.support.fixtures import CONTEXT_CANARY, PROMPT_CANARY, SECTIONS_CANARY, record_turn
from training.models import EndReason, Session, TranscriptTurn
from training.services import call_leases
from training.services.call_tickets import VerifiedTicket, issue_ticket
from training.services.session_start import start_assignment, start_warm_up
from training.services.sessions import end_session
from training.transcript import INAUDIBLE_TEXT, SpeakerRole
from voicegateway.browser.protocol import SUBPROTOCOL
from voicegateway.process.admission import (
    AdmissionRefusedError,
    PresentedTickets,
    admit_call,
    check_origin,
    greeting_if_ready,
    redeem_ticket,
    ticket_from_subprotocols,
    wants_recording,
)

pytestmark = pytest.mark.both_databases


def admit_session(session: Session, query: bytes = b""):
    return admit_call(redeem_ticket(session.pk, issue_ticket(session)[1]), query)


def refusal_reason(attempt) -> str:
    with pytest.raises(AdmissionRefusedError) as caught:
        attempt()
    return caught.value.reason


def add_turn(session: Session, item: str, revision: int, **fields) -> None:
    defaults = {"after": "", "role": "counselor", "source": "spoken", "is_final": True, "text_heard": "", "epoch": 1}
    record_turn(session.pk, item, revision, **(defaults | fields))


@pytest.fixture(autouse=True)
def spool(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    return settings.SPOOL_DIR


@pytest.mark.parametrize("origin", [b"http://testserver", b"http://127.0.0.1"])
def test_check_origin_accepts_our_origins(origin):
    assert check_origin({b"origin": origin}) is None


@pytest.mark.parametrize(
    "headers",
    [{}, *({b"origin": o} for o in (b"", b"null", b"https://testserver", b"http://testserver:81", b"\xff", b"*"))],
)
def test_check_origin_refuses_any_other_origin(headers):
    assert refusal_reason(lambda: check_origin(headers)) == "bad_origin"


def test_ticket_is_read_from_the_subprotocols():
    assert ticket_from_subprotocols([SUBPROTOCOL, "ticket.abc.def"]) == "abc.def"


@pytest.mark.parametrize(
    "offered", [[], [SUBPROTOCOL], ["ticket.abc"], [SUBPROTOCOL, "ticket.a", "ticket.b"], ["steadyline.v2", "ticket.a"]]
)
def test_subprotocols_without_exactly_one_ticket_are_refused(offered):
    assert refusal_reason(lambda: ticket_from_subprotocols(offered)) == "bad_ticket"


def test_presented_ticket_is_refused_a_second_time_until_it_expires():
    now = [100.0]
    presented = PresentedTickets(clock=lambda: now[0])
    first, second = VerifiedTicket(uuid4(), expires_at=110), VerifiedTicket(uuid4(), expires_at=130)

    presented.add(first)
    before = (first in presented, second in presented, len(presented))
    now[0] = 120.0
    presented.add(second)

    assert before == (True, False, 1)
    assert (first in presented, second in presented, len(presented)) == (False, True, 1)


@pytest.mark.parametrize(
    ("query", "is_wanted"),
    [
        (b"record=true", True),
        (b"x=1&record=true", True),
        (b"", False),
        (b"record", False),
        (b"record=", False),
        (b"record=True", False),
        (b"record=1", False),
        (b"record=true&record=true", False),
        (b"record=false&record=true", False),
        (b"record=true%20", False),
        (b"record=\xff", False),
    ],
)
def test_wants_recording_only_for_the_exact_value(query, is_wanted):
    assert wants_recording(query) is is_wanted


def test_admit_call_acquires_the_call(call):
    first = admit_session(call)

    call.refresh_from_db()
    assert (first.session.pk, first.epoch, first.config.is_resumed) == (call.pk, 1, False)
    assert (call.is_held, call.epoch) == (True, 1)
    assert refusal_reason(lambda: admit_session(call)) == "in_use"


def test_admit_call_with_recording_opens_a_spool(call, spool):
    admitted = admit_session(call, b"record=true")
    admitted.spool.close()

    recording = Recording.objects.get(session=call)
    assert (admitted.config.is_recorded, recording.state) == (True, "recording")
    assert [epoch.number for epoch in recording.epochs.all()] == [1]
    assert admitted.spool.folder == spool / str(call.pk) / "1"


def test_admit_call_without_recording_opens_no_spool(call, spool):
    admitted = admit_session(call, b"record=1")

    assert (admitted.spool, admitted.config.is_recorded, spool.exists()) == (None, False, False)
    assert not Recording.objects.exists()


def test_admit_call_never_records_a_warm_up(counselor):
    admitted = admit_session(start_warm_up(counselor)[0], b"record=true")

    assert (admitted.recording, admitted.config.is_recorded) == (None, False)
    assert (Recording.objects.count(), RecordingConsent.objects.count()) == (0, 0)


def test_admit_call_refuses_to_skip_a_required_recording(call):
    call.assignment.require_recording = True
    call.assignment.save()

    declined = refusal_reason(lambda: admit_session(call, b"record=false"))
    admitted = admit_session(call, b"")
    admitted.spool.close()

    assert (declined, admitted.config.is_recorded) == ("recording_required", True)


@pytest.mark.parametrize(("shown", "version"), [(b"&consent=1", "1"), (b"", ""), (b"&consent=99", "")])
def test_admit_call_with_recording_saves_the_consent(call, shown, version):
    admit_session(call, b"record=true" + shown).spool.close()

    consent = RecordingConsent.objects.get()
    assert (consent.session, consent.user, consent.text_version) == (call, call.counselor, version)
    assert len(consent.text_sha256) == (64 if version else 0)
    assert abs(consent.agreed_at - timezone.now()) < timedelta(minutes=1)


def test_admit_call_keeps_the_first_consent(call):
    admit_session(call, b"record=true&consent=1").spool.close()
    Session.objects.update(is_held=False)
    admit_session(call, b"record=true").spool.close()

    assert RecordingConsent.objects.get().text_version == "1"


def test_admit_call_without_recording_saves_no_consent(call):
    admit_session(call, b"consent=1")

    assert not RecordingConsent.objects.exists()


def test_call_config_contains_no_assessment_data(call):
    config = admit_session(call).config

    text = f"{config}"
    assert PROMPT_CANARY in config.instructions
    assert CONTEXT_CANARY not in text
    assert SECTIONS_CANARY not in text


def test_call_config_of_a_resumed_call_contains_the_history(call):
    first = admit_session(call)
    add_turn(call, "item_2", 2, after="item_1", role="caller", text_generated="Hi. I", text_heard="Hi.")
    add_turn(call, "item_1", 1, text_heard="Crisis line.", start_ms=400, end_ms=900)
    call_leases.release_call(call.pk, first.epoch)

    config = admit_session(call).config

    assert (config.is_resumed, config.revision) == (True, 2)
    assert [(turn.item, turn.after, turn.role, turn.text_heard) for turn in config.history] == [
        ("item_1", None, SpeakerRole.COUNSELOR, "Crisis line."),
        ("item_2", "item_1", SpeakerRole.CALLER, "Hi."),
    ]
    assert (config.history[0].start_ms, config.history[0].end_ms) == (400, 900)


def test_admit_call_closes_turns_of_a_lost_gateway(call):
    first = admit_session(call)
    add_turn(call, "item_1", 1, is_final=False)
    add_turn(call, "item_2", 2, after="item_1", role="caller", text_heard="I just", is_final=False)
    call_leases.release_call(call.pk, first.epoch)

    config = admit_session(call).config

    heard = [(turn.text_heard, turn.is_final, turn.is_interrupted) for turn in config.history]
    assert heard == [(INAUDIBLE_TEXT, True, False), ("I just", True, True)]
    assert config.revision == 4
    assert not TranscriptTurn.objects.filter(is_final=False).exists()


def test_refused_admission_holds_no_call_and_starts_no_recording(call):
    end_session(call, EndReason.HUNG_UP)

    assert refusal_reason(lambda: admit_session(call, b"record=true")) == "session_over"
    call.refresh_from_db()
    assert (call.epoch, call.is_held, Recording.objects.count()) == (0, False, 0)


@pytest.mark.parametrize(
    ("status", "line", "known"), [("pending", "", None), ("ready", "Hello?", "Hello?"), ("failed", "", "")]
)
def test_greeting_if_ready_is_none_while_pending(call, status, line, known):
    Session.objects.filter(pk=call.pk).update(greeting=line, greeting_status=status)

    assert greeting_if_ready(call.pk) == known
    assert admit_session(call).config.greeting == known


@pytest.mark.parametrize(("opens", "silence"), [("", 6.0), ("counselor", 6.0), ("caller", 0.0)])
def test_call_config_follows_the_scenarios_opener(phone_assignment, opens, silence):
    Scenario.objects.filter(pk=phone_assignment.scenario_id).update(opens=opens)
    call, _ = start_assignment(phone_assignment)

    assert admit_session(call).config.caller_opens_after == silence
