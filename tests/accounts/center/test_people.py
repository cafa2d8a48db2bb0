"""Pages for people and invitations."""

import html
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.integrations.service_tokens import find_usable_token, issue_service_token
from accounts.models import Cohort, Invitation, User
from accounts.services.invitation_emails import send_waiting_invitations
from tests.support.fixtures import client_of

PASSWORD = "a quiet harbor at dawn"
PEOPLE = "/center/people/"


def page_of(response) -> str:
    return html.unescape(response.content.decode())


def invite(client: Client, addresses: str, role: str = "counselor"):
    return client.post(PEOPLE, {"addresses": addresses, "role": role}, follow=True)


def link_of(invitation: Invitation) -> str:
    """Send the waiting emails and return the path of this invitation's link."""
    send_waiting_invitations(timedelta(0))
    [body] = [email.body for email in mail.outbox if email.to == [invitation.email]][-1:]
    found = re.search(r"/invitation/[\w-]+/", body)
    assert found
    return found[0]


@pytest.fixture
def invitation(admin) -> Invitation:
    invite(client_of(admin), "Leo Marsh <leo@x.org>", "evaluator")
    return Invitation.objects.get()


def test_list_shows_role_cohort_last_login_and_status_of_own_people_only(admin, counselor, colleague, stranger):
    cohort = Cohort.objects.create(organization=admin.organization, name="Spring class")
    cohort.counselors.add(counselor)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    issue_service_token(admin, "Learning system", ["people:read"])

    page = page_of(client_of(admin).get(PEOPLE))

    rows = re.findall(r'<a class="row".*?</a>', page, re.DOTALL)
    shown = {re.search(r'row-title">([^<]+)', row)[1]: row for row in rows}  # type: ignore[index]
    assert set(shown) == {admin.email, counselor.email, colleague.email}
    assert all(words in shown[counselor.email] for words in ("Counselor", "Spring class", "no login yet"))
    assert "last login" in shown[admin.email] and "you" in shown[admin.email]
    assert "Deactivated" in shown[colleague.email]
    assert stranger.email not in page


@pytest.mark.parametrize(
    ("query", "found"), [("?role=trainer", 1), ("?q=sUPer", 1), ("?role=former", 0), ("?role=x", 3)]
)
def test_list_can_be_filtered(supervisor, trainer, counselor, query, found):
    page = page_of(client_of(supervisor).get(f"{PEOPLE}{query}"))

    assert page.count('row-title"') == found


def test_supervisor_reads_the_list_without_forms(supervisor, invitation):
    page = page_of(client_of(supervisor).get(PEOPLE))

    assert supervisor.email in page
    assert "leo@x.org" not in page and 'name="addresses"' not in page and f"{PEOPLE}{supervisor.pk}" not in page


def test_wrong_entries_stay_in_the_box_with_their_reasons(admin):
    response = invite(client_of(admin), "a@x.org\nleo@harbor; b@x.org")

    page = page_of(response)
    assert {one.email for one in Invitation.objects.all()} == {"a@x.org", "b@x.org"}
    assert "2 people are invited." in page
    assert "Line 1, “leo@harbor”. This is not a complete email address, such as name@example.org." in page
    assert re.search(r"<textarea[^>]*>\s*leo@harbor</textarea>", page)


def test_used_up_limit_keeps_the_whole_list(admin, settings):
    settings.INVITATIONS_PER_DAY = 1

    response = client_of(admin).post(PEOPLE, {"addresses": "a@x.org\nb@x.org", "role": "trainer"})

    page = page_of(response)
    assert (response.status_code, Invitation.objects.count()) == (429, 0)
    assert "You can invite up to 1 person a day. No one was invited, and your list is kept." in page
    assert re.search(r"<textarea[^>]*>\s*a@x.org\nb@x.org</textarea>", page)
    assert '<option value="trainer" selected>' in page


@pytest.mark.parametrize("role", ["service", "owner", ""])
def test_only_roles_of_people_can_be_given(admin, role):
    assert client_of(admin).post(PEOPLE, {"addresses": "a@x.org", "role": role}).status_code == 400
    assert not Invitation.objects.exists()


def test_invited_person_sets_name_and_password_and_lands_on_today(invitation):
    visitor = Client()
    link = link_of(invitation)

    page = page_of(visitor.get(link))
    weak = visitor.post(link, {"first_name": "Leo", "last_name": "Marsh", "password": "leo@x.org123"})
    done = visitor.post(link, {"first_name": "Leo", "last_name": "Marsh", "password": PASSWORD})

    assert 'value="Leo"' in page and 'value="Marsh"' in page and "Evaluator" in page
    assert (weak.status_code, "too similar to the email address" in page_of(weak)) == (400, True)
    assert (done.status_code, done["Location"]) == (302, reverse("evaluation:dashboard"))
    assert visitor.get(done["Location"]).wsgi_request.user == User.objects.get(email="leo@x.org")


def test_link_that_no_longer_works_says_why_and_what_to_do(invitation, admin):
    link = link_of(invitation)
    admin_client = client_of(admin)

    Invitation.objects.update(expires_at=timezone.now())
    expired = Client().get(link)
    admin_client.post(f"/center/invitations/{invitation.pk}/resend/")
    replaced = Client().get(link)
    link = link_of(invitation)
    fields = {"first_name": "Leo", "last_name": "Marsh", "password": PASSWORD}
    assert Client().post(link, fields).status_code == 302
    used = Client().get(link)
    Invitation.objects.update(accepted_at=None, revoked_at=timezone.now())
    revoked = Client().post(link, fields)

    assert {answer.status_code for answer in (expired, replaced, used, revoked)} == {400}
    assert f"Ask {admin} to send the invitation again." in page_of(expired)
    assert "a new invitation replaces the link before it" in page_of(replaced)
    assert "Log in as leo@x.org" in page_of(used)
    assert "This invitation was withdrawn" in page_of(revoked)


def test_accepting_logs_out_whoever_was_logged_in(invitation, counselor):
    client = client_of(counselor)
    link = link_of(invitation)

    assert "You are logged in as" in page_of(client.get(link))
    client.post(link, {"first_name": "Leo", "last_name": "Marsh", "password": PASSWORD})

    assert client.get("/").wsgi_request.user.email == "leo@x.org"


def test_revoking_asks_first(invitation, admin):
    client = client_of(admin)
    path = f"/center/invitations/{invitation.pk}/revoke/"

    asked = client.post(path)
    assert "Revoke this invitation?" in page_of(asked) and Invitation.objects.get().revoked_at is None
    client.post(path, {"confirmed": "yes"})

    assert Invitation.objects.get().revoked_at is not None


def test_role_and_details_are_changed_on_the_person_page(admin, counselor):
    fields = {"first_name": "Sam", "last_name": "Okafor", "email": "Sam@x.org", "external_id": "7", "role": "trainer"}

    response = client_of(admin).post(f"{PEOPLE}{counselor.pk}/", fields)

    counselor.refresh_from_db()
    assert (response.status_code, counselor.role, counselor.email, str(counselor)) == (
        302, "trainer", "sam@x.org", "Sam Okafor",
    )  # fmt: skip


def test_address_of_another_organization_is_refused_without_saying_whose_it_is(admin, counselor, stranger):
    response = client_of(admin).post(f"{PEOPLE}{counselor.pk}/", {"email": stranger.email, "role": "counselor"})

    assert response.status_code == 400
    assert "This address can’t be used here. Ask the person for another one." in page_of(response)


def test_nobody_locks_themselves_out(admin):
    client = client_of(admin)

    client.post(f"{PEOPLE}{admin.pk}/", {"email": admin.email, "role": "counselor"})
    client.post(f"{PEOPLE}{admin.pk}/deactivate/", {"confirmed": "yes"})

    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == ("admin", True)


def test_deactivating_asks_first_and_names_the_tokens_that_stop_working(admin, organization):
    other = User.objects.create_user("second@example.org", organization=organization, role="admin")
    _token, secret = issue_service_token(other, "Learning system", ["people:read"])
    client = client_of(admin)
    path = f"{PEOPLE}{other.pk}/deactivate/"

    asked = page_of(client.post(path))
    other.refresh_from_db()
    assert "because this person issued them: Learning system." in asked and other.is_active
    client.post(path, {"confirmed": "yes"})
    other.refresh_from_db()

    assert (other.is_active, find_usable_token(secret)) == (False, None)
    client.post(f"{PEOPLE}{other.pk}/reactivate/")
    other.refresh_from_db()
    assert (other.is_active, find_usable_token(secret) is not None) == (True, True)


def test_person_pages_need_a_confirmed_password_and_hide_other_organizations(admin, counselor, stranger):
    client = Client()
    client.force_login(admin)

    answers = [
        client.post(PEOPLE, {"addresses": "a@x.org", "role": "admin"}),
        client.post(f"{PEOPLE}{counselor.pk}/", {"email": "mine@x.org", "role": "admin"}),
        client.post(f"{PEOPLE}{counselor.pk}/deactivate/", {"confirmed": "yes"}),
    ]

    assert {answer["Location"].split("?")[0] for answer in answers} == {"/account/reauthenticate/"}
    assert client_of(admin).get(f"{PEOPLE}{stranger.pk}/").status_code == 404
    assert not Invitation.objects.exists()


def test_only_operators_change_operators(admin, organization):
    operator = User.objects.create_user("op@example.org", organization=organization, role="admin", is_superuser=True)

    assert client_of(admin).get(f"{PEOPLE}{operator.pk}/").status_code == 404
    assert f"{PEOPLE}{operator.pk}/" not in page_of(client_of(admin).get(PEOPLE))
