"""The try-out's settings, as environment variables. The only place where an offline default stands."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

OFFLINE = (
    "Offline demo: the caller is scripted and cannot understand speech, the grader follows simple rules, "
    "and nothing leaves this computer."
)
WITH_KEY = "Demo on this computer, with your own OpenAI key: what you say and type is sent to OpenAI."

# Discards whatever is sent; where a management command looks for a stand-in that is not running.
NOBODY = "http://127.0.0.1:9/v1"


def has_key(given: Mapping[str, str]) -> bool:
    return bool(given.get("OPENAI_API_KEY"))


def tryout_environment(var: Path, web_port: int, gateway_port: int, given: Mapping[str, str]) -> dict[str, str]:
    """What a try-out sets whatever else stands in the environment; models and deadlines stay the user's to choose."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "false",
        "SECRET_KEY": _secret_key(var / "secret-key"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "WEB_ORIGINS": f"http://127.0.0.1:{web_port},http://localhost:{web_port}",
        "GATEWAY_URL": f"ws://127.0.0.1:{gateway_port}",
        "DATABASE_URL": f"sqlite:///{quote(str(var / 'demo.sqlite3'))}",
        "REDIS_URL": "memory://localhost",
        "STORAGE_URL": f"file:{quote(str(var / 'files'))}",
        "SPOOL_DIR": str(var / "spool"),
        "EMAIL_URL": "console:",
        # Whoever tries webhooks has something of their own that listens on this computer.
        "WEBHOOKS_TO_PRIVATE": "true",
        "DEFAULT_ORGANIZATION": "Harbor Crisis Center",
        "DEMO_NOTICE": WITH_KEY if has_key(given) else OFFLINE,
        # Celery would run Django's system checks once more; `make test` has.
        "CELERY_SKIP_CHECKS": "1",
    }


def standin_environment(url: str, given: Mapping[str, str]) -> dict[str, str]:
    """Point every OpenAI client at the stand-in, past any proxy that this computer uses for the world outside."""
    direct = ",".join(filter(None, [given.get("NO_PROXY") or given.get("no_proxy"), "127.0.0.1", "localhost"]))
    return {"OPENAI_API_KEY": "offline", "OPENAI_BASE_URL": url, "NO_PROXY": direct, "no_proxy": direct}


def _secret_key(path: Path) -> str:
    """Made once, so that whoever is logged in stays so over a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
