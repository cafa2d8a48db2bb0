"""The scope that every method of every API route requires of a service token."""

import re

import pytest
from django.test import Client

from accounts.integrations.scopes import CLOSED, OPEN, Scope, required_scope
from accounts.integrations.service_tokens import issue_service_token
from accounts.models import ServiceToken
from tests.support.fixtures import *  # noqa: F403
from tests.support.urls import Route, site_routes

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
REQUIRED_SCOPES = """
GET    /api/accounts/                                  closed
GET    /api/accounts/{pk}/                             closed
PATCH  /api/accounts/{pk}/                             closed
POST   /api/accounts/{pk}/procedures/{document}/confirm/ closed
POST   /api/accounts/{pk}/procedures/{document}/retry/ closed
GET    /api/accounts/{pk}/sections/                    closed
POST   /api/accounts/{pk}/sections/suggest/            closed
GET    /api/agreement/                                 closed
GET    /api/assignments/                               assignments:read
POST   /api/assignments/                               assignments:write
POST   /api/assignments/bulk/                          assignments:write
POST   /api/assignments/one-time/                      assignments:write
GET    /api/assignments/{pk}/                          assignments:read
PATCH  /api/assignments/{pk}/                          assignments:write
POST   /api/assignments/{pk}/cancel/                   assignments:write
POST   /api/assignments/{pk}/decline/                  assignments:write
POST   /api/assignments/{pk}/reset/                    assignments:write
GET    /api/attention/                                 closed
GET    /api/cohorts/                                   people:read
POST   /api/cohorts/                                   people:write
GET    /api/cohorts/{pk}/                              people:read
PATCH  /api/cohorts/{pk}/                              people:write
DELETE /api/cohorts/{pk}/                              people:write
GET    /api/disputes/                                  closed
GET    /api/docs/                                      open
GET    /api/evaluations/                               evaluations:read
GET    /api/evaluations/{pk}/                          evaluations:read
POST   /api/evaluations/{pk}/criteria/{key}/dispute/   evaluations:write
POST   /api/evaluations/{pk}/criteria/{key}/review/    evaluations:write
POST   /api/evaluations/{pk}/agree/                    evaluations:write
POST   /api/evaluations/{pk}/looked-at/                evaluations:write
GET    /api/flags/                                     closed
GET    /api/flags/{pk}/                                closed
PATCH  /api/flags/{pk}/                                closed
GET    /api/live/                                      closed
GET    /api/library/                                   sessions:read
GET    /api/library/{pk}/                              sessions:read
GET    /api/me/                                        closed
PATCH  /api/me/                                        closed
GET    /api/people/                                    people:read
GET    /api/people/{pk}/                               people:read
GET    /api/progress/                                  closed
GET    /api/recordings/                                recordings:read
GET    /api/recordings/{pk}/download/                  recordings:read
GET    /api/recordings/{pk}/link/                      recordings:read
GET    /api/scenarios/                                 scenarios:read
POST   /api/scenarios/                                 scenarios:write
GET    /api/scenarios/drafts/                          scenarios:read
POST   /api/scenarios/drafts/                          scenarios:write
GET    /api/scenarios/drafts/{pk}/                     scenarios:read
DELETE /api/scenarios/drafts/{pk}/                     scenarios:write
POST   /api/scenarios/drafts/{pk}/again/               scenarios:write
POST   /api/scenarios/drafts/{pk}/restore/             scenarios:write
POST   /api/scenarios/drafts/{pk}/save/                scenarios:write
DELETE /api/scenarios/drafts/{pk}/source/              scenarios:write
GET    /api/scenarios/export/                          scenarios:read
POST   /api/scenarios/import/                          scenarios:write
GET    /api/scenarios/imports/                         scenarios:read
GET    /api/scenarios/imports/{pk}/                    scenarios:read
POST   /api/scenarios/lint/                            scenarios:write
GET    /api/scenarios/{pk}/                            scenarios:read
PATCH  /api/scenarios/{pk}/                            scenarios:write
DELETE /api/scenarios/{pk}/                            scenarios:write
POST   /api/scenarios/{pk}/demote/                     scenarios:write
POST   /api/scenarios/{pk}/promote/                    scenarios:write
GET    /api/schema/                                    open
GET    /api/sessions/                                  sessions:read
POST   /api/sessions/                                  closed
GET    /api/sessions/{pk}/                             sessions:read
PATCH  /api/sessions/{pk}/                             closed
GET    /api/sessions/{pk}/comments/                    sessions:read
POST   /api/sessions/{pk}/comments/                    closed
DELETE /api/sessions/{pk}/comments/{comment}/          closed
GET    /api/sessions/{pk}/documentation/               sessions:read
POST   /api/sessions/{pk}/documentation/               closed
POST   /api/sessions/{pk}/documentation/retry/         closed
POST   /api/sessions/{pk}/end/                         closed
GET    /api/sessions/{pk}/evaluation/                  evaluations:read
POST   /api/sessions/{pk}/evaluation/                  evaluations:write
POST   /api/sessions/{pk}/feeling/                     closed
POST   /api/sessions/{pk}/messages/                    closed
POST   /api/sessions/{pk}/report/                      closed
POST   /api/sessions/{pk}/stop/                        closed
POST   /api/sessions/{pk}/ticket/                      closed
GET    /api/team/                                      closed
GET    /api/tokens/                                    closed
POST   /api/tokens/                                    closed
GET    /api/tokens/{pk}/                               closed
POST   /api/tokens/{pk}/revoke/                        closed
GET    /api/webhooks/                                  webhooks:read
POST   /api/webhooks/                                  webhooks:write
GET    /api/webhooks/{pk}/                             webhooks:read
PATCH  /api/webhooks/{pk}/                             webhooks:write
DELETE /api/webhooks/{pk}/                             webhooks:write
GET    /api/webhooks/{pk}/deliveries/                  webhooks:read
"""
API_ROUTES = [route for route in site_routes() if route.path.startswith("/api/")]


def methods_of(route: Route) -> list[str]:
    actions = getattr(route.view, "actions", None) or dir(route.view.cls)
    return [method for method in METHODS if method.lower() in actions]


def expected_scopes() -> dict[tuple[str, str], str]:
    rows = [line.split() for line in REQUIRED_SCOPES.strip().splitlines()]
    return {(method, path): scope for method, path, scope in rows}


def readable(path: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


@pytest.mark.parametrize("route", API_ROUTES, ids=lambda route: route.name)
def test_every_view_declares_a_resource_that_has_a_scope(route):
    resources = {scope.split(":")[0] for scope in Scope.values}

    assert hasattr(route.view.cls, "token_scope"), f"{route.name} declares no token_scope"
    assert route.view.cls.token_scope in resources | {CLOSED, OPEN}


def test_routes_require_the_scopes_of_the_table():
    required = {
        (method, readable(route.path)): "open"
        if route.view.cls.token_scope == OPEN
        else required_scope(route.view.cls(), method) or "closed"
        for route in API_ROUTES
        for method in methods_of(route)
    }

    assert required == expected_scopes()


def test_every_scope_is_required_by_a_route():
    assert set(expected_scopes().values()) - {"closed", "open"} == set(Scope.values)


def test_token_without_scopes_is_refused_on_every_route(admin):
    _, secret = issue_service_token(admin, "Learning system", ["people:read"])
    ServiceToken.objects.update(scopes=[])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    sample = dict.fromkeys(["pk", "document"], admin.pk) | {"comment": "1", "key": "greeting"}

    details = {
        (method, path): client.generic(method, path.format_map(sample)).data["detail"]
        for (method, path), scope in expected_scopes().items()
        if scope != "open"
    }

    assert details == {
        row: "Service tokens can’t be used here." if scope == "closed" else f"This token needs the scope {scope}."
        for row, scope in expected_scopes().items()
        if scope != "open"
    }
