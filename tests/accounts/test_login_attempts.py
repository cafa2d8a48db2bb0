from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import LoginAttempt
from accounts.services.login_attempts import begin_login_attempt, delete_old_login_attempts
from tests.support.fixtures import PASSWORD, run_concurrently

pytestmark = pytest.mark.both_databases


def log_in(email: str, password: str, address: str = "127.0.0.1") -> tuple[bool, str]:
    """Return whether the person is logged in, and the error of the form."""
    client = Client(REMOTE_ADDR=address)
    response = client.post("/account/login/", {"login": email, "password": password})
    if response.status_code == 302:
        return True, ""
    return False, str(response.context["form"].non_field_errors()[0])


def test_account_is_paused_after_its_limit_and_open_again_after_the_window(counselor, settings):
    settings.LOGIN_ATTEMPTS_PER_ACCOUNT = 3
    for number in range(3):
        is_in, error = log_in(counselor.email.upper(), "wrong", address=f"192.0.2.{number}")
        assert not is_in and "Too many" not in error

    refused = log_in(counselor.email, PASSWORD, address="192.0.2.9")
    LoginAttempt.objects.update(attempted_at=timezone.now() - timedelta(seconds=settings.LOGIN_ATTEMPTS_WINDOW + 1))
    accepted = log_in(counselor.email, PASSWORD, address="192.0.2.9")

    assert refused == (False, "Too many failed login attempts. Try again later.")
    assert accepted == (True, "")
    # Refused attempts do not count, so nobody can keep an account locked.
    assert LoginAttempt.objects.count() == 3


def test_address_is_paused_after_its_limit_and_others_are_not(counselor, settings):
    settings.LOGIN_ATTEMPTS_PER_ADDRESS = 3
    for number in range(3):
        log_in(f"somebody{number}@example.org", "wrong", address="192.0.2.1")

    assert log_in(counselor.email, PASSWORD, address="192.0.2.1")[0] is False
    assert log_in(counselor.email, PASSWORD, address="192.0.2.2")[0] is True


def test_success_does_not_forget_earlier_failures(counselor, settings):
    settings.LOGIN_ATTEMPTS_PER_ACCOUNT = 3
    log_in(counselor.email, "wrong")

    log_in(counselor.email, PASSWORD)

    assert LoginAttempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_are_all_counted(settings):
    settings.LOGIN_ATTEMPTS_PER_ACCOUNT = 3

    allowed = run_concurrently(*[lambda: begin_login_attempt("a@example.org", "192.0.2.1")] * 8)

    assert sum(attempt is not None for attempt in allowed) <= 3
    assert LoginAttempt.objects.count() <= 3


def test_stored_attempt_does_not_hold_the_email(db):
    begin_login_attempt("counselor@example.org", "192.0.2.1")

    assert "counselor" not in str(LoginAttempt.objects.values().get())


def test_old_attempts_are_deleted(db, settings):
    begin_login_attempt("a@example.org", "192.0.2.1")
    assert delete_old_login_attempts() == 0

    LoginAttempt.objects.update(attempted_at=timezone.now() - timedelta(seconds=settings.LOGIN_ATTEMPTS_WINDOW + 1))

    assert delete_old_login_attempts() == 1
