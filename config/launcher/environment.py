"""Settings of the demo as environment variables. No other module has offline defaults."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4


def gettext_noop(message: str) -> str:
    """Mark a string for makemessages. Django's own function needs settings, which are not loaded yet here."""
    return message


# Only marked for translation here: pages translate the notice when they show it.
OFFLINE_NOTICE = gettext_noop(
    "Offline demo: the caller is scripted and cannot understand speech, the grader follows simple rules, "
    "and nothing leaves this computer."
)
WITH_KEY_NOTICE = gettext_noop(
    "Demo on this computer, with your own OpenAI key: what you say and type is sent to OpenAI."
)

# The discard port, which management commands use if no stand-in is running.
UNREACHABLE_URL = "http://127.0.0.1:9/v1"


def has_openai_key(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("OPENAI_API_KEY"))


def demo_environment(var: Path, web_port: int, gateway_port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that the demo forces. Models and deadlines remain configurable in the environment."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "false",
        "SECRET_KEY": _secret_key(var / "secret-key"),
        "INSTALLATION_ID": _kept_value(var / "installation-id", lambda: f"demo-{uuid4()}"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "WEB_ORIGINS": f"http://127.0.0.1:{web_port},http://localhost:{web_port}",
        "GATEWAY_URL": f"ws://127.0.0.1:{gateway_port}",
        "DATABASE_URL": f"sqlite:///{quote(str(var / 'demo.sqlite3'))}",
        "REDIS_URL": "memory://localhost",
        "STORAGE_URL": f"file:{quote(str(var / 'files'))}",
        "SPOOL_DIR": str(var / "spool"),
        "EMAIL_URL": "console:",
        # Let people try webhooks with a receiver on this computer.
        "WEBHOOKS_TO_PRIVATE": "true",
        "DEFAULT_ORGANIZATION": "Harbor Crisis Center",
        "DEMO_NOTICE": WITH_KEY_NOTICE if has_openai_key(environ) else OFFLINE_NOTICE,
        # Keep Celery from running Django's system checks, which `make test` already covers.
        "CELERY_SKIP_CHECKS": "1",
    }


def standin_environment(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return settings that point every OpenAI client at the stand-in, bypassing any configured proxy."""
    no_proxy = ",".join(filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1", "localhost"]))
    return {
        "OPENAI_API_KEY": "offline",
        "OPENAI_BASE_URL": url,
        "OPENAI_SEPARATES_THINKING": "true",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def _secret_key(path: Path) -> str:
    """Return a key created once, so that users stay logged in across restarts."""
    return _kept_value(path, lambda: secrets.token_urlsafe(50))


def _kept_value(path: Path, create: Callable[[], str]) -> str:
    """Return the content of a file. Create it the first time."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(create())
    return path.read_text()
