from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.signing import Signer
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fixtures import run_concurrently
from training.models import CallTicket
from training.services.call_tickets import issue_ticket, redeem_ticket, verify_ticket

pytestmark = pytest.mark.both_databases


def test_ticket_can_be_redeemed_once(call, counselor):
    ticket, signed = issue_ticket(call)

    redeemed = redeem_ticket(signed, call.pk)

    assert (redeemed, redeemed.counselor, redeemed.session) == (ticket, counselor, call)
    assert redeem_ticket(signed, call.pk) is None


@pytest.mark.django_db(transaction=True)
def test_ticket_redeemed_concurrently_admits_one_socket(call):
    _, signed = issue_ticket(call)

    results = run_concurrently(*[lambda: redeem_ticket(signed, call.pk)] * 4)

    assert [result is None for result in results].count(False) == 1


def test_ticket_is_not_redeemed_by_another_session(call, free_chat):
    _, signed = issue_ticket(call)

    assert redeem_ticket(signed, free_chat.pk) is None
    assert redeem_ticket(signed, call.pk) is not None


def test_ticket_expires_after_ticket_lifetime(call, settings):
    settings.TICKET_LIFETIME = 60
    ticket, signed = issue_ticket(call)
    assert abs(ticket.expires_at - timezone.now() - timedelta(seconds=60)) < timedelta(seconds=30)

    CallTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert redeem_ticket(signed, call.pk) is None


def test_forged_ticket_is_refused(call):
    ticket, signed = issue_ticket(call)
    other_salt = Signer(sep=".", salt="something-else").sign(ticket.pk.hex)
    other_key = Signer(key="x" * 32, sep=".", salt="call-ticket").sign(ticket.pk.hex)

    for forged in (ticket.pk.hex, signed[:-1], signed + "x", signed.upper(), other_salt, other_key, "", ".", "a.b"):
        assert redeem_ticket(forged, call.pk) is None
    assert redeem_ticket(signed, call.pk) is not None


def test_ticket_is_verified_without_the_database(call, free_chat, django_assert_num_queries):
    ticket, signed = issue_ticket(call)
    expires_at = ticket.expires_at.timestamp()

    with django_assert_num_queries(0):
        verified = verify_ticket(signed, call.pk)
        refused = [
            verify_ticket(signed, free_chat.pk),
            verify_ticket(signed, call.pk, now=expires_at + 1),
            verify_ticket(f"{uuid4().hex}.{signed.partition('.')[2]}", call.pk),
        ]

    assert verified is not None and verified.id == ticket.pk
    assert refused == [None] * 3


def test_ticket_is_a_valid_subprotocol(call):
    _, signed = issue_ticket(call)

    separators = set('()<>@,;:\\"/[]?={} \t')

    assert signed.isascii() and not separators & set(signed)


@given(st.text(max_size=80))
def test_redeem_ticket_refuses_any_other_text(text):
    assert redeem_ticket(text, uuid4()) is None
