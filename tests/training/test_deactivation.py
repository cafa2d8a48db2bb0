"""A deactivated person loses sessions, tickets, and calls at once."""

import pytest

from accounts.integrations.service_tokens import issue_service_token
from accounts.models import User
from tests.accounts.test_service_tokens import client_with
from tests.support.fixtures import client_of
from training.models import CallTicket
from training.services.call_leases import CallLease, acquire_call, renew_leases
from training.services.call_tickets import issue_ticket, redeem_ticket


def deactivate(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def test_web_session_ends(counselor):
    client = client_of(counselor)
    assert client.get("/sessions/").status_code == client.get("/api/me/").status_code == 200

    deactivate(counselor)

    assert client.get("/sessions/")["Location"].startswith("/account/login/")
    assert client.get("/api/me/").status_code in {401, 403}


def test_unused_ticket_is_refused(call, counselor):
    _ticket, signed = issue_ticket(call)
    deactivate(counselor)

    assert redeem_ticket(signed, call.pk) is None


def test_ticket_is_refused_after_a_password_change(call, counselor):
    _ticket, signed = issue_ticket(call, login="a-login")
    counselor.set_password("quite another harbor")
    counselor.save()

    assert redeem_ticket(signed, call.pk) is None


def test_live_call_loses_its_lease(call, counselor):
    ticket, signed = issue_ticket(call)
    redeem_ticket(signed, call.pk)
    lease = CallLease(call.pk, acquire_call(call), CallTicket.objects.get(pk=ticket.pk).pk)
    assert renew_leases([lease]) == {}

    deactivate(counselor)

    assert renew_leases([lease]) == {call.pk: "logged_out"}


@pytest.mark.parametrize("whose", ["issuer", "actor"])
def test_service_tokens_end_with_their_issuer(admin, whose):
    token, secret = issue_service_token(admin, "LMS", ["sessions:read"])
    assert client_with(secret).get("/api/sessions/").status_code == 200

    deactivate(admin if whose == "issuer" else token.acts_as)

    assert client_with(secret).get("/api/sessions/").status_code in {401, 403}


def test_admin_names_the_tokens_that_end(admin, organization):
    other = User.objects.create_user("other@example.org", "x", organization=organization, role="admin")
    issue_service_token(other, "LMS", ["sessions:read"])

    page = client_of(admin).post(
        f"/admin/accounts/user/{other.pk}/change/", {"email": other.email, "role": "admin"}, follow=True
    )

    assert "These service tokens no longer work, because this person issued them: LMS." in page.content.decode()
