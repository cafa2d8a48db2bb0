"""Invitations: sending many, the link in each email, and what an invited person gets."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.services import invitation_emails
from accounts.services.invitation_emails import send_invitation, send_waiting_invitations
from accounts.services.invitations import (
    InvitationClosedError,
    accept_invitation,
    find_invitation,
    invite_people,
    resend_invitation,
    revoke_invitation,
)
from accounts.services.rate_limits import RateLimitExceededError

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

PASSWORD = "a quiet harbor at dawn"


def invite(by: User, text: str = "leo@x.org", role: str = "counselor") -> Invitation:
    return invite_people(by, text, role).invited[0]


def sent_secret() -> str:
    """Return the secret in the link of the last email."""
    found = re.search(r"/invitation/([\w-]+)/", mail.outbox[-1].body)
    assert found, mail.outbox[-1].body
    return found[1]


def send(invitation: Invitation) -> str:
    """Send the invitation's email and return the secret in it."""
    send_invitation(invitation.pk)
    return sent_secret()


def test_every_entry_is_invited_or_told_with_its_reason(admin, counselor, stranger):
    invite(admin, "waiting@x.org")

    result = invite_people(
        admin,
        f"Leo Marsh <LEO@x.org>; leo@x.org\n{counselor.email}\n{stranger.email}\nwaiting@x.org, kim@harbor\nAna Reyes",
        "trainer",
    )

    assert [(one.email, one.name, one.role) for one in result.invited] == [
        ("leo@x.org", "Leo Marsh", "trainer"),
        (stranger.email, "", "trainer"),  # treated like a new address, so nothing is revealed
    ]
    assert [(entry.text, entry.reason.split(".")[0]) for entry in result.left] == [
        ("leo@x.org", "This address is in the list twice"),
        (counselor.email, "This person is already in your center"),
        ("waiting@x.org", "This person is already invited"),
        ("kim@harbor", "This is not a complete email address, such as name@example"),
        ("Ana Reyes", "This is not an email address"),
    ]
    assert result.text_left == f"leo@x.org\n{counselor.email}\nwaiting@x.org\nkim@harbor\nAna Reyes"


def test_too_many_at_once_are_refused_and_nobody_is_invited(admin):
    with pytest.raises(ValidationError, match="up to 100 people at once, and this is 101"):
        invite_people(admin, "\n".join(f"p{number}@x.org" for number in range(101)), "counselor")

    assert not Invitation.objects.exists()


def test_limit_of_the_day_refuses_the_whole_list(settings, admin):
    settings.ORGANIZATION_INVITATIONS_PER_DAY = 2

    with pytest.raises(RateLimitExceededError, match="^Your center can invite up to 2 people a day"):
        invite_people(admin, "a@x.org b@x.org c@x.org", "counselor")

    assert not Invitation.objects.exists()


def test_email_has_one_link_whose_secret_is_stored_nowhere(admin):
    invitation = invite(admin)

    secret = send(invitation)

    invitation.refresh_from_db()
    [email] = mail.outbox
    assert email.to == ["leo@x.org"]
    assert email.body.count("http") == 1
    assert secret not in " ".join(map(str, vars(invitation).values()))
    assert invitation.expires_at - invitation.sent_at == timedelta(hours=72)
    assert find_invitation(secret) == invitation


def test_email_goes_out_once(admin):
    invitation = invite(admin)

    send_invitation(invitation.pk)
    send_invitation(invitation.pk)

    assert (send_waiting_invitations(timedelta(0)), len(mail.outbox)) == (0, 1)


def test_sweep_sends_what_was_not_sent_and_only_that(admin, monkeypatch):
    first, revoked = invite(admin, "a@x.org"), invite(admin, "b@x.org")
    revoke_invitation(revoked)
    monkeypatch.setattr(invitation_emails, "send_email", lambda *args: (_ for _ in ()).throw(OSError("down")))
    with pytest.raises(OSError, match="down"):
        send_invitation(first.pk)
    monkeypatch.undo()

    assert send_waiting_invitations() == 0  # its task may still be trying
    assert send_waiting_invitations(timedelta(0)) == 1

    assert [email.to for email in mail.outbox] == [["a@x.org"]]
    assert find_invitation(sent_secret()) == first


def test_owner_of_an_address_elsewhere_gets_no_link(admin, stranger):
    send_invitation(invite(admin, stranger.email).pk)

    assert "/invitation/" not in mail.outbox[-1].body
    assert "already has a Steadyline account" in mail.outbox[-1].body


def test_accepted_invitation_creates_the_person_with_their_own_password(admin):
    invitation = invite(admin, "Leo <leo@x.org>", "evaluator")
    send(invitation)

    person = accept_invitation(invitation, "Leo", "Marsh", PASSWORD)

    invitation.refresh_from_db()
    assert (person.email, str(person), person.role) == ("leo@x.org", "Leo Marsh", "evaluator")
    assert (person.organization, person.check_password(PASSWORD)) == (admin.organization, True)
    assert invitation.accepted_by == person


@pytest.mark.parametrize("state", ["accepted", "revoked", "expired"])
def test_closed_invitation_is_refused(admin, state):
    invitation = invite(admin)
    if state == "accepted":
        accept_invitation(invitation, "Leo", "Marsh", PASSWORD)
    elif state == "revoked":
        revoke_invitation(invitation)
    else:
        Invitation.objects.update(expires_at=timezone.now())

    with pytest.raises(InvitationClosedError):
        accept_invitation(invitation, "Leo", "Marsh", PASSWORD)

    assert User.objects.filter(email="leo@x.org").count() == (state == "accepted")


def test_address_taken_meanwhile_leaves_the_invitation_open(admin, other_organization):
    invitation = invite(admin)
    User.objects.create_user("leo@x.org", organization=other_organization)

    with pytest.raises(ValidationError, match="can’t be used here"):
        accept_invitation(invitation, "Leo", "Marsh", PASSWORD)

    invitation.refresh_from_db()
    assert (invitation.accepted_at, invitation.is_usable) == (None, True)


def test_sending_again_replaces_the_link(admin):
    invitation = invite(admin)
    old = send(invitation)
    Invitation.objects.update(expires_at=timezone.now())

    assert resend_invitation(invitation, admin)
    new = send(invitation)

    assert (find_invitation(old), find_invitation(new)) == (None, invitation)
    assert Invitation.objects.get().is_usable


def test_revoked_person_can_be_invited_again(admin):
    invitation = invite(admin)

    assert (revoke_invitation(invitation), revoke_invitation(invitation)) == (True, False)
    assert not resend_invitation(invitation, admin)

    assert invite(admin).email == "leo@x.org"
