import os
import string
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from config.settings import ORGANIZATION_LIMITS, WORKER_PROCESSES
from tests.support.forked_program import ForkedProgram

ROOT = Path(__file__).resolve().parents[2]
VALID_SETTINGS = {
    "SECRET_KEY": "s" * 32,
    "ALLOWED_HOSTS": "practice.example.org",
    "WEB_ORIGINS": "https://practice.example.org",
    "GATEWAY_URL": "wss://calls.example.org",
    "INSTALLATION_ID": "2f1c9a52-harbor",
    "DATABASE_URL": "postgresql://someone@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "STORAGE_URL": "s3://recordings?endpoint_url=http://127.0.0.1:1",
    "SPOOL_DIR": "/somewhere/spool",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "OPENAI_API_KEY": "sk-some",
}


def environment_with(**changes: str | None) -> dict[str, str]:
    """Return an environment with `VALID_SETTINGS` and no other settings. A change of None removes a setting."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    settings = {name: value for name, value in (VALID_SETTINGS | changes).items() if value is not None}
    return inherited | settings | {"DJANGO_SETTINGS_MODULE": "config.settings"}


def load_settings(**changes: str | None) -> tuple[int, str]:
    """Load the settings in a process of their own. Return its exit status and output."""
    with tempfile.TemporaryFile("w+") as output:
        program = ForkedProgram("django", "diffsettings", env=environment_with(**changes), output=output)
        status = program.wait(60)
        output.seek(0)
        return status, output.read()


def test_required_settings_are_sufficient():
    script = "import django; django.setup(); import config.urls; print('started')"

    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment_with(), capture_output=True, text=True, timeout=60
    )

    assert (result.stdout.strip(), result.returncode) == ("started", 0), result.stderr


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 0),
        ({"SSL_REDIRECT": "false", "HSTS_INCLUDE_SUBDOMAINS": "false", "HSTS_PRELOAD": "false"}, 0),
        ({"WEB_ORIGINS": "http://practice.example.org"}, 1),
    ],
)
def test_check_for_deployment_is_clean_over_https_only(changes, status):
    environment = environment_with(**changes, SECRET_KEY=f"{string.ascii_letters}{string.digits}")
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]

    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert result.returncode == status, result.stderr
    assert ("security.W" in result.stderr) is bool(status)


def test_all_missing_settings_are_named_at_once():
    status, output = load_settings(**dict.fromkeys(VALID_SETTINGS, None))

    message = output[output.index("ImproperlyConfigured") :]
    assert status == 1
    assert [name for name in VALID_SETTINGS if f"\n  {name}: " not in message] == []


def test_all_invalid_settings_are_named_at_once():
    invalid = {
        "SSL_REDIRECT": "perhaps",  # web
        "EVALUATOR_TEMPERATURE": "warm",  # models
        "WORKER_PROCESSES": "grades=0",  # tasks
        "WEBHOOK_PORTS": "443,70000",  # outgoing
        "SPOOL_DIR": "relative",  # stores
        "CALL_LIMIT": "0",  # calls
        "DRAFTS_PER_HOUR": "0",  # rate limits
        "LOG_LEVEL": "LOUD",  # installation
    }

    status, output = load_settings(**invalid)

    message = output[output.index("ImproperlyConfigured") :]
    assert status == 1
    assert [name for name in invalid if f"\n  {name}: " not in message] == []


def test_worker_settings_change_only_the_queues_that_they_name():
    status, output = load_settings(WORKER_PROCESSES="grades=9", ORGANIZATION_LIMITS="mails=4")

    assert status == 0, output
    assert f"WORKER_PROCESSES = {WORKER_PROCESSES | {'grades': 9}}" in output
    assert f"ORGANIZATION_LIMITS = {ORGANIZATION_LIMITS | {'mails': 4}}" in output


@pytest.mark.parametrize(
    ("changes", "separates_thinking"),
    [
        ({}, True),
        ({"OPENAI_BASE_URL": "https://eu.api.openai.com/v1"}, True),
        ({"OPENAI_BASE_URL": "https://harbor.openai.azure.com/openai/v1"}, True),
        ({"OPENAI_BASE_URL": "https://openai.com.example.org/v1"}, False),
        ({"OPENAI_BASE_URL": "https://notopenai.com/v1"}, False),
        ({"OPENAI_BASE_URL": "http://[::1/v1"}, False),
        ({"OPENAI_BASE_URL": "https://models.example.org/v1", "OPENAI_SEPARATES_THINKING": "true"}, True),
        ({"OPENAI_SEPARATES_THINKING": "false"}, False),
    ],
)
def test_only_openai_separates_thinking_by_default(changes, separates_thinking):
    status, output = load_settings(**changes)

    assert status == 0, output
    assert f"OPENAI_SEPARATES_THINKING = {separates_thinking}" in output


def test_unknown_value_of_separates_thinking_is_refused():
    status, output = load_settings(OPENAI_SEPARATES_THINKING="sometimes", OPENAI_BASE_URL="api.example.org")

    assert status == 1
    assert output.endswith(
        "These settings are missing or invalid:\n"
        "  OPENAI_BASE_URL: must begin with http:// or https://\n"
        "  OPENAI_SEPARATES_THINKING: Not a valid boolean.\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", ""),
        ("WEB_ORIGINS", ""),
        ("WEB_ORIGINS", "practice.example.org"),
        ("WEB_ORIGINS", "https://practice.example.org/"),
        ("GATEWAY_URL", "https://calls.example.org"),
        ("INSTALLATION_ID", ""),
        ("INSTALLATION_ID", "two words"),
        ("DATABASE_URL", ""),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_TIMEOUT", "0"),
        ("REQUESTS_PER_PERSON", "0"),
        ("REQUESTS_PER_PROCESS", "many"),
        ("WAITS_PER_PERSON", "-1"),
        ("BODY_SMALL", "12"),
        ("BODY_TIMEOUT", "0"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://127.0.0.1/none"),
        ("REDIS_URL", "amqp://127.0.0.1"),
        ("STORAGE_URL", "/var/files"),
        ("STORAGE_URL", "file:"),
        ("STORAGE_URL", "s3://"),
        ("SPOOL_DIR", ""),
        ("EMAIL_URL", "pigeon://loft"),
        ("OPENAI_API_KEY", ""),
        ("OPENAI_BASE_URL", "api.example.org"),
        ("OPENAI_SEPARATES_THINKING", "sometimes"),
        ("OPENAI_SEPARATES_THINKING", ""),
        ("EVALUATOR_MAX_OUTPUT_TOKENS", "many"),
        ("EVALUATOR_TIMEOUT", "0"),
        ("EVALUATOR_TEMPERATURE", "warm"),
        ("EVALUATOR_TEMPERATURE", "2.5"),
        ("HEARTBEAT_EVERY", "often"),
        ("SWEEP_EVERY", "0"),
        ("ORGANIZATION_LIMITS", "grade=2"),
        ("WORKER_PROCESSES", "grades=0"),
        ("WEBHOOK_PORTS", "443,70000"),
        ("TASK_ATTEMPTS", "-1"),
        ("REAP_SHARE", "101"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("DEBUG", "perhaps"),
        ("SSL_REDIRECT", "perhaps"),
    ],
)
def test_invalid_setting_is_refused_by_name(name, value):
    status, output = load_settings(**{name: value})

    _, raised, message = output.rpartition("ImproperlyConfigured")
    assert (status, raised) == (1, "ImproperlyConfigured"), output
    assert name in message
