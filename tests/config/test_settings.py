import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VALID_SETTINGS = {
    "SECRET_KEY": "s" * 32,
    "ALLOWED_HOSTS": "practice.example.org",
    "WEB_ORIGINS": "https://practice.example.org",
    "GATEWAY_URL": "wss://calls.example.org",
    "DATABASE_URL": "postgresql://someone@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "STORAGE_URL": "s3://recordings?endpoint_url=http://127.0.0.1:1",
    "SPOOL_DIR": "/somewhere/spool",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "OPENAI_API_KEY": "sk-some",
}


def run_with_settings(
    script: str = "import config.settings", **changes: str | None
) -> subprocess.CompletedProcess[str]:
    """Run `script` in a process with `VALID_SETTINGS`, changed by `changes`, and no other settings.

    A value of None removes a setting.
    """
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    settings = {name: value for name, value in (VALID_SETTINGS | changes).items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=inherited | settings | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_required_settings_are_sufficient():
    result = run_with_settings("import django; django.setup(); import config.urls; print('started')")

    assert (result.stdout.strip(), result.returncode) == ("started", 0), result.stderr


def test_all_missing_settings_are_named_at_once():
    result = run_with_settings(**dict.fromkeys(VALID_SETTINGS, None))

    last = result.stderr[result.stderr.index("ImproperlyConfigured") :]
    assert result.returncode != 0
    assert [name for name in VALID_SETTINGS if f"\n  {name}: " not in last] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", ""),
        ("WEB_ORIGINS", ""),
        ("WEB_ORIGINS", "practice.example.org"),
        ("WEB_ORIGINS", "https://practice.example.org/"),
        ("GATEWAY_URL", "https://calls.example.org"),
        ("DATABASE_URL", ""),
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
        ("EVALUATOR_MAX_OUTPUT_TOKENS", "many"),
        ("EVALUATOR_TIMEOUT", "0"),
        ("HEARTBEAT_EVERY", "often"),
        ("SWEEP_EVERY", "0"),
        ("TASK_ATTEMPTS", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TRUSTED_PROXY_COUNT", "-1"),
        ("DEBUG", "perhaps"),
    ],
)
def test_invalid_setting_is_refused_by_name(name, value):
    result = run_with_settings(**{name: value})

    assert result.returncode != 0
    assert name in result.stderr.strip().rpartition("ImproperlyConfigured")[2]
