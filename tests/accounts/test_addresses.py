"""Adding people with addresses that may be in use: what responses and emails reveal, and to whom."""

import pytest
from django.core import mail
from django.core.cache import cache

from accounts import tasks
from accounts.models import User
from accounts.services import credentials, people
from accounts.services.people import get_or_create_counselor
from tests.support.fixtures import PASSWORD, client_of

UNUSABLE = "This address can’t be used here. Ask the person for another one."
OWN = "Someone in your organization already has this address."
RESERVED = ["x@service.invalid", "x@people.invalid"]


@pytest.fixture(autouse=True)
def cleared_cache():
    cache.clear()


@pytest.fixture(autouse=True)
def send_at_once(monkeypatch):
    """Run each queued task at once."""
    monkeypatch.setattr(credentials, "queue_task", lambda task, *ids: [task(*ids)])
    assert credentials.tasks is tasks


def errors_of(response) -> list[str]:
    return response.context["adminform"].form.errors.get("email", []) if response.status_code == 200 else []


def add_in_admin(admin: User, email: str) -> list[str]:
    fields = {"email": email, "role": "counselor", "usable_password": "true"}
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    return errors_of(client_of(admin).post("/admin/accounts/user/add/", fields | passwords))


def change_in_admin(admin: User, person: User, email: str) -> list[str]:
    fields = {"email": email, "role": person.role, "is_active": "on", "first_name": "Changed"}
    return errors_of(client_of(admin).post(f"/admin/accounts/user/{person.pk}/change/", fields))


def add_by_api(admin: User, scenario, email: str) -> dict[str, list[str]]:
    body = {"people": [{"external_id": "lms-9", "email": email}], "scenarios": [str(scenario.pk)]}
    response = client_of(admin).post("/api/assignments/bulk/", body, content_type="application/json")
    assert response.status_code == 400
    return response.json()["fields"]


def test_address_of_another_organization_is_refused_like_a_reserved_one(admin, counselor, stranger, chat_scenario):
    refused = [stranger.email, stranger.email.upper(), *RESERVED]

    assert [add_in_admin(admin, email) for email in refused] == [[UNUSABLE]] * 4
    assert [change_in_admin(admin, counselor, email) for email in refused] == [[UNUSABLE]] * 4
    assert [add_by_api(admin, chat_scenario, email) for email in refused] == [{"people.email": [UNUSABLE]}] * 4
    counselor.refresh_from_db()
    assert (counselor.first_name, User.objects.filter(external_id="lms-9").count()) == ("", 0)


def test_address_in_the_same_organization_is_reported_as_in_use(admin, counselor, colleague, chat_scenario):
    User.objects.filter(pk=colleague.pk).update(external_id="lms-1")

    assert add_in_admin(admin, colleague.email.title()) == [OWN]
    assert change_in_admin(admin, counselor, colleague.email) == [OWN]
    assert add_by_api(admin, chat_scenario, colleague.email) == {
        "people.email": ["Someone in your organization has this address and a different ID."]
    }
    assert mail.outbox == []


def test_free_address_and_unchanged_placeholder_are_accepted(admin, organization, chat_scenario):
    assert add_in_admin(admin, "Free@Example.org") == []
    assert User.objects.get(email="free@example.org").organization == organization
    placeholder = get_or_create_counselor(organization, "lms-2")
    assert change_in_admin(admin, placeholder, placeholder.email) == []
    assert User.objects.get(pk=placeholder.pk).first_name == "Changed"


def test_owner_of_the_address_is_told_once_an_hour(admin, counselor, stranger, chat_scenario):
    for _ in range(2):
        add_in_admin(admin, stranger.email)
        change_in_admin(admin, counselor, stranger.email)
        add_by_api(admin, chat_scenario, stranger.email)

    assert [(sent.subject, sent.to) for sent in mail.outbox] == [("Someone asked for your address", [stranger.email])]


def test_address_taken_at_the_same_moment_is_refused_without_a_server_error(organization, stranger, monkeypatch):
    monkeypatch.setattr(people, "check_new_address", lambda *_: None)

    with pytest.raises(people.ValidationError) as refused:
        get_or_create_counselor(organization, "lms-3", stranger.email)

    assert refused.value.message_dict == {"email": [UNUSABLE]}
