"""Pages for webhooks and service tokens."""

import html
import re

import pytest
from django.utils import timezone

from accounts.integrations.service_tokens import find_usable_token, issue_service_token
from accounts.integrations.webhooks import add_webhook
from accounts.models import Delivery, ServiceToken, User, Webhook
from tests.support.fixtures import client_of

INTEGRATIONS = "/center/integrations/"


def page_of(response) -> str:
    return html.unescape(response.content.decode())


@pytest.fixture
def webhook(admin) -> Webhook:
    return add_webhook(admin, "https://learning.example.org/", ["evaluation.ready"])


def add_delivery(webhook: Webhook, **fields) -> Delivery:
    values = {"event": "evaluation.ready", "payload": {}, "attempts": 1, "available_at": None} | fields
    return Delivery.objects.create(organization=webhook.organization, webhook=webhook, **values)


def test_token_is_shown_once_with_its_scopes_in_words(admin):
    client = client_of(admin)
    fields = {"name": "Nightly report", "scopes": ["evaluations:read", "people:read"], "expires_on": "2031-05-04"}

    issued = page_of(client.post(f"{INTEGRATIONS}tokens/new/", fields))

    found = re.search(r"slt_[\w-]+", issued)
    assert found
    token = find_usable_token(found[0])
    assert token is not None
    assert f"{timezone.localtime(token.expires_at):%Y-%m-%d %H:%M}" == "2031-05-04 23:59"
    listed = page_of(client.get(INTEGRATIONS))
    assert found[0] not in listed
    assert all(words in listed for words in ("read feedback", "find counselors and cohorts", "May 4, 2031"))


def test_response_with_a_secret_is_not_stored_by_browsers(admin):
    fields = {"name": "Nightly report", "scopes": ["people:read"]}

    response = client_of(admin).post(f"{INTEGRATIONS}tokens/new/", fields)

    assert "no-store" in response["Cache-Control"]


def test_revoking_a_token_asks_first(admin):
    token, secret = issue_service_token(admin, "Learning system", ["people:read"])
    client = client_of(admin)

    asked = page_of(client.post(f"{INTEGRATIONS}tokens/{token.pk}/revoke/"))
    assert "loses access right away" in asked and find_usable_token(secret)
    client.post(f"{INTEGRATIONS}tokens/{token.pk}/revoke/", {"confirmed": "yes"})

    assert find_usable_token(secret) is None
    assert "Revoked" in page_of(client.get(INTEGRATIONS))


def test_token_of_a_deactivated_issuer_is_marked(admin, organization):
    other = User.objects.create_user("second@example.org", organization=organization, role="admin")
    issue_service_token(other, "Learning system", ["people:read"])
    other.is_active = False
    other.save()

    assert "Issuer deactivated" in page_of(client_of(admin).get(INTEGRATIONS))


def test_webhook_secret_is_shown_once(admin):
    client = client_of(admin)
    fields = {"url": "https://learning.example.org/", "events": ["session.completed"]}

    added = page_of(client.post(f"{INTEGRATIONS}webhooks/new/", fields))

    webhook = Webhook.objects.get()
    assert webhook.secret in added
    assert webhook.secret not in page_of(client.get(f"{INTEGRATIONS}webhooks/{webhook.pk}/"))
    assert "Nothing sent yet" in page_of(client.get(INTEGRATIONS))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": "http://learning.example.org/", "events": ["session.completed"]}, "Enter an https:// URL."),
        ({"url": "https://10.0.0.1/", "events": ["session.completed"]}, "sent only to public addresses"),
        ({"url": "https://learning.example.org/"}, "Choose at least one event."),
    ],
)
def test_wrong_webhook_is_refused_and_keeps_what_was_entered(admin, fields, message):
    response = client_of(admin).post(f"{INTEGRATIONS}webhooks/new/", fields)

    assert (response.status_code, Webhook.objects.exists()) == (400, False)
    assert message in page_of(response) and f'value="{fields["url"]}"' in page_of(response)


def test_webhook_page_shows_deliveries_and_saves_changes(admin, webhook):
    add_delivery(webhook, delivered_at=timezone.now(), status=200)
    add_delivery(webhook, failure="HTTP status 500", available_at=timezone.now())
    add_delivery(webhook, failure="The address was not found", attempts=8)
    client = client_of(admin)
    path = f"{INTEGRATIONS}webhooks/{webhook.pk}/"

    page = page_of(client.get(path))
    client.post(path, {"url": "https://hr.example.org/", "events": ["session.completed", "evaluation.ready"]})

    webhook.refresh_from_db()
    assert [words in page for words in ("Delivered", "Trying again", "HTTP status 500", "Given up")] == [True] * 4
    assert (webhook.url, webhook.is_active) == ("https://hr.example.org/", False)
    assert webhook.events == ["evaluation.ready", "session.completed"]


def test_list_marks_a_webhook_whose_newest_delivery_failed(admin, webhook):
    add_delivery(webhook, delivered_at=timezone.now())
    client = client_of(admin)
    assert "Working" in page_of(client.get(INTEGRATIONS))

    add_delivery(webhook, failure="HTTP status 500", available_at=timezone.now())

    assert "Failing" in page_of(client.get(INTEGRATIONS))


def test_deleting_a_webhook_asks_first(admin, webhook):
    client = client_of(admin)

    client.post(f"{INTEGRATIONS}webhooks/{webhook.pk}/delete/")
    assert Webhook.objects.exists()
    client.post(f"{INTEGRATIONS}webhooks/{webhook.pk}/delete/", {"confirmed": "yes"})

    assert not Webhook.objects.exists()


def test_other_centers_are_hidden(admin, other_organization):
    theirs = User.objects.create_user("theirs@example.net", organization=other_organization, role="admin")
    token, _secret = issue_service_token(theirs, "Their system", ["people:read"])
    webhook = add_webhook(theirs, "https://theirs.example.org/", ["evaluation.ready"])
    client = client_of(admin)

    page = page_of(client.get(INTEGRATIONS))
    answers = [
        client.post(f"{INTEGRATIONS}tokens/{token.pk}/revoke/", {"confirmed": "yes"}),
        client.get(f"{INTEGRATIONS}webhooks/{webhook.pk}/"),
        client.post(f"{INTEGRATIONS}webhooks/{webhook.pk}/delete/", {"confirmed": "yes"}),
    ]

    assert "Their system" not in page and "theirs.example.org" not in page
    assert {answer.status_code for answer in answers} == {404}
    assert ServiceToken.objects.get(pk=token.pk).revoked_at is None
