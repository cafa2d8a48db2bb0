import pytest
from django.test import Client

from tests.support.fixtures import PASSWORD, client_of


def log_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/account/login/", {"login": email, "password": password})
    return client


def is_logged_in(client: Client) -> bool:
    return client.get("/sessions/").status_code == 200


@pytest.mark.parametrize("email", ["counselor@example.org", "Counselor@Example.ORG", " counselor@example.org "])
def test_login_accepts_email_and_password(counselor, email):
    assert is_logged_in(log_in(email))


def test_login_works_without_redis(counselor, settings):
    settings.CACHES = {"default": {"BACKEND": "config.cache.FailOpenRedisCache", "LOCATION": "redis://127.0.0.1:9/0"}}

    assert is_logged_in(log_in(counselor.email))


def test_login_does_not_reveal_known_emails(counselor):
    bodies = []
    for email in ("counselor@example.org", "nobody@example.org"):
        client = Client()
        response = client.post("/account/login/", {"login": email, "password": "something else"})
        assert not is_logged_in(client)
        bodies.append(list(response.context["form"].non_field_errors()))

    assert bodies[0] == bodies[1] != []


def test_login_rejects_inactive_user(counselor):
    counselor.is_active = False
    counselor.save()

    assert not is_logged_in(log_in(counselor.email))


def test_login_ignores_case_of_email(admin):
    fields = {"email": "New.Person@Example.org", "role": "counselor", "usable_password": "true"}

    response = client_of(admin).post(
        "/admin/accounts/user/add/", fields | {"password1": PASSWORD, "password2": PASSWORD}
    )

    assert response.status_code == 302, response.context["errors"]
    assert is_logged_in(log_in("new.person@example.org"))


def test_signup_is_closed(db):
    fields = {"email": "me@example.org", "password1": PASSWORD, "password2": PASSWORD}

    response = Client().post("/account/signup/", fields)

    assert response.status_code == 404
    assert not is_logged_in(log_in("me@example.org"))


def test_password_change_ends_other_sessions(counselor):
    current_client, other_client = log_in(counselor.email), log_in(counselor.email)
    new = "quite another harbor"

    current_client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert not is_logged_in(other_client)
    assert is_logged_in(log_in(counselor.email, new))


@pytest.mark.parametrize("password", ["short", "password1234", "counselor@example.org"])
def test_password_change_rejects_weak_password(counselor, password):
    client = client_of(counselor)
    fields = {"oldpassword": PASSWORD, "password1": password, "password2": password}

    response = client.post("/account/password/change/", fields)

    assert response.status_code == 200
    assert response.context["form"].errors


def test_logout_requires_post(counselor):
    client = client_of(counselor)

    client.get("/account/logout/")
    assert is_logged_in(client)

    client.post("/account/logout/")
    assert not is_logged_in(client)


def test_login_ignores_external_redirect(counselor):
    response = Client().post(
        "/account/login/?next=https://elsewhere.example/", {"login": counselor.email, "password": PASSWORD}
    )

    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize("wanted", ["/team/", "/sessions/{chat}/", "/admin/", "/nowhere/"])
def test_login_leads_from_a_page_that_is_not_ones_own_to_today(colleague, chat, wanted):
    client = Client()

    response = client.post(
        f"/account/login/?next={wanted.format(chat=chat.pk)}",
        {"login": colleague.email, "password": PASSWORD},
        follow=True,
    )

    assert response.redirect_chain[-1] == ("/", 302)
    assert "You don’t have access to that page, so here is your Today." in response.content.decode()
    assert client.get("/team/").status_code == 403


def test_login_leads_to_the_page_that_was_asked_for(supervisor):
    client = Client()
    asked = client.get("/team/?span=4")

    response = client.post(asked["Location"], {"login": supervisor.email, "password": PASSWORD}, follow=True)

    assert response.redirect_chain == [("/team/?span=4", 302)]
    assert "landing" not in client.session


def test_welcome_page_is_for_those_who_are_not_logged_in(counselor):
    welcome = Client().get("/").content.decode()

    assert "Every caller is simulated." in welcome
    assert 'href="/account/login/"' in welcome
    assert "Every caller is simulated." not in client_of(counselor).get("/").content.decode()
    assert Client().get("/progress/")["Location"] == "/account/login/?next=/progress/"
