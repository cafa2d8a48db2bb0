import html
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.integrations.scopes import CLOSED, Scope, required_scope, token_scope
from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.models import ServiceToken, User
from tests.support.fixtures import client_of


def client_with(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_token_secret_is_shown_once_and_not_stored(admin):
    response = client_of(admin).post(
        "/api/tokens/", {"name": "Learning system", "scopes": ["sessions:read"]}, content_type="application/json"
    )

    secret, token = response.json()["secret"], ServiceToken.objects.get()
    assert secret.startswith("slt_") and secret.startswith(token.hint)
    assert secret not in str(ServiceToken.objects.values().get())
    assert "secret" not in client_of(admin).get("/api/tokens/").json()["results"][0]
    assert client_with(secret).get("/api/sessions/").status_code == 200


def test_rest_framework_token_scheme_is_rejected(admin):
    _, secret = issue_service_token(admin, "Learning system", ["sessions:read"])

    statuses = [
        Client(headers={"Authorization": f"Token {token}"}).get("/api/sessions/").status_code
        for token in ("f" * 40, secret)
    ]

    assert statuses == [401, 401]


def test_token_is_limited_to_its_scopes(admin, counselor, chat):
    _, secret = issue_service_token(admin, "Learning system", ["sessions:read"])
    client = client_with(secret)

    allowed = client.get(f"/api/sessions/{chat.pk}/")
    statuses = {
        path: client.generic(method, path).status_code
        for method, path in [
            ("GET", "/api/scenarios/"),
            ("POST", "/api/sessions/"),
            ("POST", f"/api/sessions/{chat.pk}/end/"),
            ("GET", f"/api/sessions/{chat.pk}/evaluation/"),
            ("GET", "/api/tokens/"),
            ("POST", "/api/tokens/"),
            ("GET", "/api/flags/"),
        ]
    }

    assert allowed.status_code == 200
    assert set(statuses.values()) == {403}
    assert client.get("/sessions/").status_code == 302  # pages do not accept tokens


@pytest.mark.parametrize(
    ("resource", "method", "scope"),
    [
        ("people", "GET", Scope.PEOPLE_READ),
        ("people", "HEAD", Scope.PEOPLE_READ),
        ("people", "OPTIONS", Scope.PEOPLE_READ),
        ("people", "POST", Scope.PEOPLE_WRITE),
        ("people", "DELETE", Scope.PEOPLE_WRITE),
        ("sessions", "POST", None),  # this scope does not exist
        ("unknown", "GET", None),
        (CLOSED, "GET", None),
    ],
)
def test_required_scope_follows_view_and_method(resource, method, scope):
    class DeclaredView(APIView):
        token_scope = resource

    @token_scope(resource)
    @api_view(["GET"])
    def declared_view(request):
        return Response()

    assert required_scope(DeclaredView(), method) == scope
    assert required_scope(declared_view.cls(), method) == scope


def test_view_without_scope_is_closed_to_tokens():
    assert required_scope(APIView(), "GET") is None


@pytest.mark.parametrize("change", ["revoked", "expired", "inactive", "other"])
def test_unusable_token_is_rejected(admin, change):
    token, secret = issue_service_token(admin, "Learning system", ["sessions:read"])
    if change == "revoked":
        assert (revoke_service_token(token), revoke_service_token(token)) == (True, False)
    if change == "expired":
        ServiceToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if change == "inactive":
        User.objects.filter(role="service").update(is_active=False)

    response = client_with(secret + "x" if change == "other" else secret).get("/api/sessions/")

    assert (response.status_code, response.json()["detail"]) == (401, "This token is unknown, revoked, or expired.")


def test_token_sees_only_its_organization(stranger, other_organization, chat):
    their_admin = User.objects.create_user("a@example.net", organization=other_organization, role="admin")
    _, secret = issue_service_token(their_admin, "Theirs", ["sessions:read"])

    client = client_with(secret)

    assert client.get("/api/sessions/").json()["results"] == []
    assert client.get(f"/api/sessions/{chat.pk}/").status_code == 404


def test_service_user_has_no_admin_access_or_password(admin):
    issue_service_token(admin, "Learning system", Scope.values)
    service = User.objects.get(role="service")

    assert (service.is_staff, service.has_usable_password()) == (False, False)


@pytest.mark.parametrize("scopes", [[], ["sessions:write"], ["everything"]])
def test_invalid_scopes_are_rejected(admin, scopes):
    body = {"name": "x", "scopes": scopes}
    response = client_of(admin).post("/api/tokens/", body, content_type="application/json")

    named = {path.split(".")[0] for path in response.json()["fields"]}
    assert (response.status_code, named) == (400, {"scopes"})
    assert ServiceToken.objects.count() == User.objects.filter(role="service").count() == 0


def test_admin_issues_and_revokes_token(admin):
    client = client_of(admin)

    page = client.post(
        "/admin/accounts/servicetoken/add/", {"name": "LMS", "scopes": ["sessions:read"]}, follow=True
    ).content.decode()

    secret = html.unescape(page).split("be able to see it again: ")[1].split("<")[0].strip()
    assert client_with(secret).get("/api/sessions/").status_code == 200
    token = ServiceToken.objects.get()
    client.post("/admin/accounts/servicetoken/", {"action": "revoke", "_selected_action": [str(token.pk)]})
    assert client_with(secret).get("/api/sessions/").status_code == 200  # it asks first
    data = {"action": "revoke", "_selected_action": [str(token.pk)], "confirmed": "yes"}
    client.post("/admin/accounts/servicetoken/", data)
    assert client_with(secret).get("/api/sessions/").status_code == 401
    token.refresh_from_db()
    assert token.revoked_at is not None
    again = client.post("/admin/accounts/servicetoken/", data, follow=True).content.decode()
    assert "The selected tokens were already revoked." in again and "0 tokens" not in again


def test_admin_shows_what_a_token_may_do(admin):
    token, _secret = issue_service_token(admin, "LMS", ["sessions:read", "people:read"])
    pages = ["/admin/accounts/servicetoken/", f"/admin/accounts/servicetoken/{token.pk}/change/"]

    found = [client_of(admin).get(page).content.decode() for page in pages]

    assert ["people:read, sessions:read" in page and token.hint in page for page in found] == [True, True]
    assert "Last used at" in found[1] and "Revoked at" in found[1]
