from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from ai import SearchBudgetError
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import client_of


def lose_connection(execute: Any, sql: str, params: Any, many: bool, context: Any) -> None:
    raise OperationalError("couldn't get a connection after 5.00 sec")


@pytest.fixture
def client(counselor) -> Client:
    client = client_of(counselor)
    client.raise_request_exception = False
    return client


def test_page_without_a_database_connection_is_a_page_with_503(client):
    with connection.execute_wrapper(lose_connection):
        response = client.get("/", headers={"Accept": "text/html"})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "<h1>The database is unavailable</h1>" in response.content.decode()


@pytest.mark.parametrize("accept", ["*/*", "text/html,*/*;q=0.8"])
def test_api_without_a_database_connection_answers_in_its_error_shape(client, accept):
    with connection.execute_wrapper(lose_connection):
        response = client.get("/api/sessions/", headers={"Accept": accept})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert set(response.json()) == {"detail", "code", "fields", "request_id"}
    assert response.json()["code"] == "database_unavailable"


def test_other_errors_remain_server_errors(client, monkeypatch):
    def fail(*arguments: object) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)

    response = client.get("/", headers={"Accept": "text/html"})

    assert response.status_code == 500
    assert "<h1>Something went wrong on our side</h1>" in response.content.decode()


async def test_missing_connection_is_503_under_asgi(log_in, counselor, monkeypatch):
    client = await log_in(counselor)
    client.raise_request_exception = False

    def fail(*arguments: object) -> None:
        raise OperationalError("couldn't get a connection after 5.00 sec")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)

    response = await client.get("/api/sessions/")

    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")


@pytest.fixture
def costly_search(monkeypatch) -> None:
    """Let every list of sessions contain a text that uses up its search budget."""

    def fail(*arguments: object) -> None:
        raise SearchBudgetError("A search of 9 characters took more than 1.0 s.")

    monkeypatch.setattr("training.models.Session.objects.for_user", fail)


def test_text_beyond_the_search_budget_is_a_page_in_words(client, costly_search):
    response = client.get("/sessions/", headers={"Accept": "text/html"})

    body = response.content.decode()
    assert response.status_code == 400
    assert "<h1>This text takes too long to search</h1>" in body
    assert "everything you saved is kept" in body
    assert "Remove long repetitions from the text" in body


def test_text_beyond_the_search_budget_is_a_bad_request_of_the_api(client, costly_search):
    response = client.get("/api/sessions/")

    assert (response.status_code, response.json()["code"]) == (400, "text_too_costly")
    assert "Remove long repetitions from the text" in response.json()["detail"]
