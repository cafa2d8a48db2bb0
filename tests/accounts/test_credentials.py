"""Changes of addresses and passwords: proof, notices, links, and the end of other sessions."""

import re

import pytest
from celery import Celery
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from accounts.services import credentials
from accounts.services.credentials import read_email_change, request_email_change
from accounts.services.task_queue import outage
from config.celery import app as celery
from tests.accounts.test_login import is_logged_in, log_in
from tests.support.fixtures import PASSWORD, client_of

NEW = "quite another harbor"
NEW_ADDRESS = "new@example.org"


@pytest.fixture(autouse=True)
def cleared_limits():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def run_on_commit(monkeypatch):
    """Run callbacks on commit at once, and tasks where they are queued."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda callback, **kwargs: callback())
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


def borrowed_session(person: User) -> Client:
    """Return a client with a session of this person that has not entered the password again."""
    client = Client()
    client.force_login(person)
    return client


def sent() -> list[tuple[str, list[str]]]:
    return [(message.subject, message.to) for message in mail.outbox]


def link_in(message) -> str:
    return re.search(r"/account/email/confirm/\S+", message.body)[0]


def test_borrowed_session_cannot_change_the_address(counselor):
    client = borrowed_session(counselor)

    answers = [client.get("/account/email/"), client.post("/account/email/", {"email": NEW_ADDRESS})]

    assert {answer["Location"].split("?")[0] for answer in answers} == {"/account/reauthenticate/"}
    assert mail.outbox == []


def test_change_continues_after_the_password(counselor):
    client = borrowed_session(counselor)
    location = client.post("/account/email/", {"email": NEW_ADDRESS})["Location"]

    wrong = client.post(location, {"password": "something else"})
    right = client.post(location, {"password": PASSWORD}, follow=True)

    assert (wrong.status_code, right.status_code) == (200, 200)
    assert sent() == [("Confirm your new address", [NEW_ADDRESS])]


def test_address_changes_only_when_its_link_is_opened(counselor):
    client_of(counselor).post("/account/email/", {"email": NEW_ADDRESS})
    link = link_in(mail.outbox[0])

    page = Client().get(link)
    counselor.refresh_from_db()
    assert (page.status_code, counselor.email) == (200, "counselor@example.org")
    assert not is_logged_in(log_in(NEW_ADDRESS))
    Client().post(link)

    counselor.refresh_from_db()
    assert counselor.email == NEW_ADDRESS
    assert is_logged_in(log_in(NEW_ADDRESS)) and not is_logged_in(log_in("counselor@example.org"))
    assert sent()[1:] == [("Your address was changed", ["counselor@example.org"])]


@pytest.mark.parametrize("change", ["used", "password", "inactive", "forged", "taken"])
def test_link_is_void(counselor, colleague, change):
    request_email_change(counselor, NEW_ADDRESS)
    link = link_in(mail.outbox[0])
    if change == "used":
        Client().post(link)
        User.objects.filter(pk=counselor.pk).update(email="third@example.org")
    elif change == "password":
        counselor.set_password(NEW)
        counselor.save()
    elif change == "inactive":
        User.objects.filter(pk=counselor.pk).update(is_active=False)
    elif change == "forged":
        link = link[:-3] + "x/"
    else:
        User.objects.filter(pk=colleague.pk).update(email=NEW_ADDRESS)
    before = User.objects.get(pk=counselor.pk).email

    Client().post(link)

    assert User.objects.get(pk=counselor.pk).email == before


def test_link_expires(counselor, monkeypatch):
    request_email_change(counselor, NEW_ADDRESS)
    token = link_in(mail.outbox[0]).split("/")[-2]
    assert read_email_change(token) is not None

    monkeypatch.setattr(credentials, "LINK_LIFETIME", -1)

    assert read_email_change(token) is None


def test_taken_address_answers_like_any_other(counselor, colleague):
    client = client_of(counselor)

    free = client.post("/account/email/", {"email": "free1@example.org"}, follow=True)
    taken = client.post("/account/email/", {"email": colleague.email}, follow=True)

    texts = [
        re.sub(
            r"\S+@example\.org",
            "",
            answer.content.decode().partition('<div class="toasts"')[2].partition("</div></div>")[0],
        )
        for answer in (free, taken)
    ]
    assert texts[0] == texts[1] != ""
    assert [address for _subject, address in sent()] == [["free1@example.org"], [colleague.email]]
    assert "/confirm/" not in mail.outbox[1].body


def test_reset_answers_alike_and_sends_one_mail_each(counselor):
    answers = [
        Client().post("/account/password/reset/", {"email": email}) for email in (counselor.email, "no@example.org")
    ]

    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
    assert [message.to for message in mail.outbox] == [[counselor.email], ["no@example.org"]]
    assert "signup" not in mail.outbox[1].body


def test_unknown_address_costs_one_hash_as_a_known_one(counselor, monkeypatch):
    hashed: list[str] = []
    original = User.set_password
    monkeypatch.setattr(User, "set_password", lambda self, raw: hashed.append(raw) or original(self, raw))

    log_in("no@example.org", "something else")

    assert hashed == ["something else"]


def test_allauth_addresses_count_neither_for_login_nor_for_reset(counselor):
    counselor.emailaddress_set.create(email="former@example.org", verified=True, primary=True)

    Client().post("/account/password/reset/", {"email": "former@example.org"})

    assert not is_logged_in(log_in("former@example.org"))
    assert "/password/reset/key/" not in mail.outbox[0].body


def test_password_change_by_its_owner_is_announced_and_ends_other_sessions(counselor):
    mine, other = log_in(counselor.email), log_in(counselor.email)

    mine.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

    assert sent() == [("Your password was changed", [counselor.email])]
    assert not is_logged_in(other)


def test_reset_is_announced_and_ends_sessions(counselor):
    other = log_in(counselor.email)
    Client().post("/account/password/reset/", {"email": counselor.email})
    client, link = Client(), re.search(r"/account/password/reset/key/\S+", mail.outbox[0].body)[0]
    form = client.get(link, follow=True).request["PATH_INFO"]

    client.post(form, {"password1": NEW, "password2": NEW})

    assert sent()[1:] == [("Your password was changed", [counselor.email])]
    assert not is_logged_in(other) and is_logged_in(log_in(counselor.email, NEW))


def test_person_without_password_sets_one_by_reset_link(admin):
    fields = {"email": NEW_ADDRESS, "role": "counselor", "usable_password": "false"}
    page = client_of(admin).get("/admin/accounts/user/add/").content.decode()

    added = client_of(admin).post("/admin/accounts/user/add/", fields)
    Client().post("/account/password/reset/", {"email": NEW_ADDRESS})
    client, link = Client(), re.search(r"/account/password/reset/key/\S+", mail.outbox[-1].body)[0]
    client.post(client.get(link, follow=True).request["PATH_INFO"], {"password1": NEW, "password2": NEW})

    assert "until they set a password with “Forgot your password?” on the login page." in page
    assert "Forgot your password?" in Client().get("/account/login/").content.decode()
    assert added.status_code == 302
    assert is_logged_in(log_in(NEW_ADDRESS, NEW))


def test_password_page_names_only_ways_to_log_in_that_exist(admin, counselor):
    page = client_of(admin).get(f"/admin/accounts/user/{counselor.pk}/password/").content.decode()

    assert "“Forgot your password?”" in page
    assert '<li class="warning">Disabling this deletes the current password.</li>' in page
    assert "LDAP" not in page


def test_changes_in_the_admin_are_announced(admin, counselor):
    client, page = client_of(admin), f"/admin/accounts/user/{counselor.pk}/"
    old = log_in(counselor.email)

    client.post(f"{page}password/", {"usable_password": "true", "password1": NEW, "password2": NEW})
    client.post(f"{page}change/", {"email": NEW_ADDRESS, "role": "counselor", "is_active": "on"})

    assert sent() == [
        ("Your password was changed", ["counselor@example.org"]),
        ("Your address was changed", ["counselor@example.org"]),
    ]
    assert not is_logged_in(old)


def test_borrowed_admin_session_cannot_make_itself_lasting(admin, counselor):
    client, page = borrowed_session(admin), f"/admin/accounts/user/{counselor.pk}/"
    requests = {
        f"{page}password/": {"usable_password": "true", "password1": NEW, "password2": NEW},
        f"{page}change/": {"email": NEW_ADDRESS, "role": "admin", "is_active": "on"},
        "/admin/accounts/user/add/": {"email": NEW_ADDRESS, "role": "admin", "password1": NEW, "password2": NEW},
        "/admin/accounts/servicetoken/add/": {"name": "LMS", "scopes": ["sessions:read"]},
    }

    answers = [client.post(path, data)["Location"].split("?")[0] for path, data in requests.items()]
    token = client.post("/api/tokens/", {"name": "LMS", "scopes": ["sessions:read"]}, content_type="application/json")

    assert set(answers) == {"/account/reauthenticate/"}
    assert (token.status_code, token.json()["code"]) == (403, "reauthentication_required")
    assert User.objects.count() == 2


def test_login_that_upgrades_the_hash_is_not_announced(counselor, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]

    log_in(counselor.email)

    counselor.refresh_from_db()
    assert counselor.password.startswith("scrypt")
    assert mail.outbox == []


@pytest.fixture
def broker_away(run_on_commit, monkeypatch):
    """Send tasks to a broker that is not there: no server listens on port 9."""
    celery.conf.task_always_eager = False
    away = Celery(broker="redis://127.0.0.1:9/0", set_as_current=False)
    monkeypatch.setattr(celery.amqp, "_producer_pool", away.amqp.producer_pool)
    yield
    assert outage.is_paused()
    outage.end()


def test_notice_is_sent_without_a_broker(counselor, broker_away):
    counselor.set_password(NEW)

    counselor.save()

    assert sent() == [("Your password was changed", [counselor.email])]


def test_numeric_password_is_refused(counselor):
    fields = {"oldpassword": PASSWORD, "password1": "493817264058", "password2": "493817264058"}

    response = client_of(counselor).post("/account/password/change/", fields)

    assert "entirely numeric" in str(response.context["form"].errors)
