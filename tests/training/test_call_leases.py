"""Tests of call leases: sockets, heartbeats, tickets, and the organization's slots."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from scenarios.models import Mode
from tests.support.fixtures import add_person, client_of, record_turn, run_concurrently
from training.models import CallTicket, EndReason, Session, TranscriptTurn
from training.services import call_leases, sessions
from training.services.call_leases import CallLease
from training.services.call_tickets import issue_ticket, redeem_ticket
from training.services.errors import SessionRefusedError
from training.services.session_start import start_free_practice
from training.services.sessions import end_session
from training.services.turns import record_turns
from training.signals import call_check_requested

pytestmark = pytest.mark.both_databases


def age_heartbeat(session: Session, seconds: float) -> None:
    Session.objects.filter(pk=session.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))


def hold_call(session: Session, **ticket: object) -> CallLease:
    """Issue a ticket and acquire the call as a gateway does when it accepts a socket. Return the lease."""
    issued, _ = issue_ticket(session, **ticket)
    epoch = call_leases.acquire_call(session)
    assert epoch
    return CallLease(session.pk, epoch, issued.pk)


def test_call_is_held_until_it_is_released(call):
    assert call_leases.is_call_held(call) is False
    assert call_leases.acquire_call(call) == 1
    call.refresh_from_db()
    assert call_leases.is_call_held(call) is True
    assert call_leases.acquire_call(call) is None

    call_leases.release_call(call.pk, 1)

    assert call_leases.acquire_call(call) == 2


def test_holder_without_heartbeats_loses_the_call(call, settings):
    first = hold_call(call)
    age_heartbeat(call, 3 * settings.HEARTBEAT_EVERY + 1)
    call.refresh_from_db()

    assert call_leases.is_call_held(call) is False
    second = hold_call(call)
    assert call_leases.renew_leases([first]) == {call.pk: "replaced"}
    assert call_leases.renew_leases([second]) == {}

    call_leases.release_call(call.pk, first.epoch)

    assert call_leases.renew_leases([second]) == {}


def test_acquire_displaces_only_the_named_epoch(call):
    first = hold_call(call)

    assert call_leases.acquire_call(call, displaces=first.epoch + 1) is None
    assert call_leases.acquire_call(call, displaces=first.epoch) == 2
    assert call_leases.acquire_call(call, displaces=first.epoch) is None
    assert call_leases.renew_leases([first]) == {call.pk: "replaced"}


def test_heartbeat_protects_the_call_from_the_sweep(call, settings):
    lease = hold_call(call)
    age_heartbeat(call, settings.HEARTBEAT_LOST_AFTER + 1)

    assert call_leases.renew_leases([lease]) == {}
    assert sessions.sweep_sessions() == 0


def test_renew_leases_renews_all_calls_of_a_gateway(
    call, colleague, counselor, organization, django_assert_num_queries, settings
):
    others = [add_person(organization, "counselor", f"c{number}@example.org") for number in range(4)]
    calls = [call] + [start_free_practice(person, Mode.PHONE)[0] for person in (colleague, *others)]
    leases = [hold_call(session) for session in calls]
    for session in calls:
        age_heartbeat(session, 60)
    end_session(calls[1], EndReason.HUNG_UP)
    sessions.end_by_supervisor(calls[2])
    Session.objects.filter(pk=calls[3].pk).update(epoch=F("epoch") + 1)
    others[2].is_active = False
    others[2].save()

    with django_assert_num_queries(6):  # two of the six begin and commit the transaction
        lost = call_leases.renew_leases(leases)

    assert lost == {
        calls[1].pk: "ended_elsewhere",
        calls[2].pk: "supervisor",
        calls[3].pk: "replaced",
        calls[4].pk: "logged_out",
    }
    renewed = Session.objects.filter(heartbeat_at__gt=timezone.now() - timedelta(seconds=30))
    assert {session.pk for session in renewed if session.is_live} == {calls[0].pk, calls[5].pk}
    assert call_leases.renew_leases([]) == {}


@pytest.mark.django_db(transaction=True)
def test_transactions_over_several_calls_never_deadlock(call, organization):
    people = [add_person(organization, "counselor", f"c{number}@example.org") for number in range(9)]
    leases = [
        hold_call(session) for session in (call, *(start_free_practice(person, Mode.PHONE)[0] for person in people))
    ]
    spoken = {"role": "caller", "text_generated": "hi", "text_heard": "hi", "source": "spoken"}

    def record_repeatedly(batch: list[CallLease]) -> None:
        for revision in range(1, 41):
            turns = {lease.session_id: [TranscriptTurn(item="item", revision=revision, **spoken)] for lease in batch}
            record_turns(turns)

    def renew_repeatedly() -> None:
        for _ in range(40):
            assert call_leases.renew_leases(leases[::-1]) == {}

    assert (
        run_concurrently(lambda: record_repeatedly(leases), lambda: record_repeatedly(leases[::-1]), renew_repeatedly)
        == [None] * 3
    )

    assert list(
        Session.objects.filter(pk__in=[lease.session_id for lease in leases]).values_list("revision", flat=True)
    ) == ([40] * 10)


def test_ended_call_cannot_be_acquired_or_renewed(call):
    lease = hold_call(call)
    end_session(call, EndReason.HUNG_UP)

    assert call_leases.renew_leases([lease]) == {call.pk: "ended_elsewhere"}
    call_leases.release_call(call.pk, 1)
    assert call_leases.acquire_call(call) is None


def test_released_call_stays_open_while_its_line_is_kept(call, settings):
    lease = hold_call(call)
    age_heartbeat(call, 80)

    call_leases.release_call(call.pk, lease.epoch)
    assert sessions.sweep_sessions() == 0
    age_heartbeat(call, settings.LINE_KEPT_FOR + 1)

    assert sessions.sweep_sessions() == 1
    call.refresh_from_db()
    assert (call.status, call.end_reason, call.evaluations.count()) == ("abandoned", "line_lost", 1)


def test_expire_call_ends_it_unless_a_page_reconnected(call):
    first = hold_call(call)
    assert call_leases.expire_call(call.pk, first.epoch) is False
    call_leases.release_call(call.pk, first.epoch)
    second = hold_call(call)

    assert call_leases.expire_call(call.pk, first.epoch) is False
    call_leases.release_call(call.pk, second.epoch)
    assert call_leases.expire_call(call.pk, second.epoch) is True
    assert call_leases.expire_call(call.pk, second.epoch) is False

    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("abandoned", "line_lost")


def test_finish_call_ends_and_releases_it(call):
    epoch = call_leases.acquire_call(call)

    call_leases.finish_call(call, epoch, EndReason.HUNG_UP, Session.Status.COMPLETED)

    call.refresh_from_db()
    assert (call.status, call.end_reason, call.is_held, call.is_gradable) == ("completed", "hung_up", False, True)


@pytest.mark.parametrize(
    ("roles", "is_gradable"),
    [([], False), (["counselor"], False), (["caller"], False), (["counselor", "caller"], True)],
)
def test_failed_call_is_graded_if_both_speakers_were_heard(call, roles, is_gradable):
    epoch = call_leases.acquire_call(call)
    for number, role in enumerate(roles, 1):
        record_turn(call.pk, f"item_{number}", number, role=role, text_heard="Words.", source="spoken")

    call_leases.finish_call(call, epoch, EndReason.CALLER_LOST, Session.Status.FAILED, detail="insufficient_quota")

    call.refresh_from_db()
    assert (call.status, call.is_gradable, bool(call.not_gradable_reason)) == ("failed", is_gradable, not is_gradable)
    assert call.end_detail == "insufficient_quota"


def test_call_with_an_inaudible_caller_is_never_graded(call):
    epoch = call_leases.acquire_call(call)

    call_leases.finish_call(
        call, epoch, EndReason.CALLER_INAUDIBLE, Session.Status.COMPLETED, not_gradable_reason="Not heard."
    )

    call.refresh_from_db()
    assert (call.is_gradable, call.not_gradable_reason) == (False, "Not heard.")
    assert [evaluation.status for evaluation in call.evaluations.all()] == ["queued"]


def test_epoch_that_lost_the_call_cannot_finish_it(call, settings):
    lost_epoch = call_leases.acquire_call(call)
    age_heartbeat(call, 3 * settings.HEARTBEAT_EVERY + 1)
    current_epoch = call_leases.acquire_call(call)

    call_leases.finish_call(
        call, lost_epoch, EndReason.ENDED_ELSEWHERE, Session.Status.COMPLETED, not_gradable_reason="No.", detail="x"
    )

    call.refresh_from_db()
    assert (call.is_live, call.is_held, call.epoch) == (True, True, current_epoch)
    assert (call.is_gradable, call.end_detail) == (True, "")


@pytest.mark.django_db(transaction=True)
def test_concurrent_sockets_acquire_the_call_once(call):
    results = run_concurrently(*[lambda: call_leases.acquire_call(Session.objects.get())] * 4)

    assert sorted(results, key=str) == [1, None, None, None]


# Tickets


def test_logout_revokes_the_call(call, counselor):
    client, other = client_of(counselor), client_of(counselor)
    lease = hold_call(call, login=client.session.session_key)
    other_ticket, other_signed = issue_ticket(call, login=other.session.session_key)
    checked_ids: list[object] = []
    call_check_requested.connect(
        lambda session_id, **kwargs: checked_ids.append(session_id), weak=False, dispatch_uid="test"
    )
    _, unused = issue_ticket(call, login=client.session.session_key)

    client.post("/account/logout/")

    call_check_requested.disconnect(dispatch_uid="test")
    assert checked_ids == [call.pk]
    assert call_leases.renew_leases([lease]) == {call.pk: "logged_out"}
    assert redeem_ticket(unused, call.pk) is None
    assert redeem_ticket(other_signed, call.pk) == other_ticket


def test_password_change_or_deactivation_revokes_the_call(call, counselor):
    lease = hold_call(call, login="a-login")
    assert call_leases.renew_leases([lease]) == {}

    counselor.set_password("something else entirely")
    counselor.save()

    assert call_leases.renew_leases([lease]) == {call.pk: "logged_out"}


def test_token_client_keeps_the_call_while_its_user_is_active(call, counselor):
    lease = hold_call(call)
    counselor.set_password("something else entirely")
    counselor.save()
    assert call_leases.renew_leases([lease]) == {}

    CallTicket.objects.update(revoked_at=timezone.now())

    assert call_leases.renew_leases([lease]) == {call.pk: "logged_out"}


# Slots


def test_organization_cannot_exceed_its_call_slots(organization, counselor, colleague, call):
    organization.call_slots = 1
    organization.save()

    with pytest.raises(SessionRefusedError) as error:
        start_free_practice(colleague, Mode.PHONE)
    assert error.value.code == "organization_full"
    with pytest.raises(SessionRefusedError) as error:
        start_free_practice(counselor, Mode.PHONE)
    assert error.value.code == "call_live"
    assert start_free_practice(colleague, Mode.CHAT)[1] is True
    end_session(call, EndReason.HUNG_UP)

    assert start_free_practice(colleague, Mode.PHONE)[1] is True


def test_lowering_call_slots_keeps_live_calls(organization, call, colleague):
    organization.call_slots = 2
    organization.save()
    other, _ = start_free_practice(colleague, Mode.PHONE)
    Session.objects.filter(pk=other.pk).update(slot=None)
    organization.call_slots = 1
    organization.save()

    assert call_leases.acquire_call(call) == call_leases.acquire_call(other) == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_starts_fill_exactly_the_call_slots(organization):
    organization.call_slots = 7
    organization.save()
    people = [add_person(organization, "counselor", f"c{number}@example.org") for number in range(20)]

    results = run_concurrently(*[lambda person=person: start_free_practice(person, Mode.PHONE) for person in people])

    live = Session.objects.live()
    assert sorted(live.values_list("slot", flat=True)) == [1, 2, 3, 4, 5, 6, 7]
    assert [getattr(result, "code", "started") for result in results].count("started") == 7
    assert [getattr(result, "code", "started") for result in results].count("organization_full") == 13


# Supervisors


def test_supervisor_can_end_a_live_session_and_a_stranger_cannot(call, counselor, colleague, supervisor, stranger):
    path = f"/api/sessions/{call.pk}/end/"
    for person, status in ((stranger, 404), (colleague, 404), (supervisor, 200)):
        assert client_of(person).post(path).status_code == status
    assert client_of(supervisor).post(path).status_code == 200

    call.refresh_from_db()
    assert (call.status, call.end_reason) == ("completed", "supervisor")


def test_session_page_lets_a_supervisor_end_it(call, counselor, supervisor, stranger):
    page, end = f"/sessions/{call.pk}/", f"/sessions/{call.pk}/end/"

    assert end not in client_of(counselor).get(page).content.decode()
    assert client_of(counselor).post(end).status_code == client_of(stranger).post(end).status_code == 404
    client = client_of(supervisor)
    assert end in client.get(page).content.decode()
    assert "End this session for" in client.post(end).content.decode()
    response = client.post(end, {"confirmed": "yes"}, follow=True)

    call.refresh_from_db()
    assert call.end_reason == "supervisor"
    assert "Session ended. The conversation so far is saved" in response.content.decode()
    assert "A supervisor ended this session." in response.content.decode()
    assert "This session had already ended." in client.post(end, follow=True).content.decode()
