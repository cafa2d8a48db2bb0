import pytest
from django.db import OperationalError, connection
from django.test import Client

from config.celery import app
from tests.support.fixtures import *  # noqa: F403


def test_health_answers_without_login_or_database():
    response = Client().get("/health/")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_reports_every_dependency(db, standin):
    response = Client().get("/ready/")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok", "storage": "ok", "openai": "ok"}


def test_ready_without_openai_is_degraded_with_status_200(db):
    response = Client().get("/ready/")

    assert response.status_code == 200
    assert response.json()["openai"] == "degraded"


def test_ready_without_broker_is_degraded_with_status_200(db, settings, monkeypatch):
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://127.0.0.1:1/0")

    response = Client().get("/ready/")

    assert (response.status_code, response.json()["broker"]) == (200, "degraded")


def raise_operational_error(execute, sql, params, many, context):
    raise OperationalError("the database is gone")


def test_ready_without_database_is_unavailable_with_status_503(db):
    with connection.execute_wrapper(raise_operational_error):
        response = Client().get("/ready/")

    assert response.status_code == 503
    assert (response.json()["status"], response.json()["database"]) == ("unavailable", "degraded")


@pytest.mark.parametrize("path", ["/health/", "/ready/"])
def test_probes_reveal_no_versions_or_addresses(db, path):
    body = Client().get(path).content.decode()

    assert "127.0.0.1" not in body and "sqlite" not in body and "django" not in body.lower()
