"""The product's settings over an environment for tests: nothing outside this process is reached by default."""

import os
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="steadyline-tests-"))

# Workers of one run inherit its environment and need folders of their own; what a worker starts shares the worker's.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if os.environ.get("FOLDERS_OF_WORKER") != _worker:
    os.environ |= {
        "FOLDERS_OF_WORKER": _worker,
        "STORAGE_URL": f"file:{_folder}/files",
        "SPOOL_DIR": f"{_folder}/spool",
    }

for name, value in {
    "SECRET_KEY": "only-for-tests-" + "x" * 32,
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "WEB_ORIGINS": "http://testserver,http://127.0.0.1",
    "GATEWAY_URL": "ws://127.0.0.1:8001",
    "DATABASE_URL": f"sqlite:///{_folder}/tests.sqlite3",
    "REDIS_URL": "memory://localhost/",
    "EMAIL_URL": "memory:",
    "OPENAI_API_KEY": "sk-tests",
    # A port where nothing listens: a test that needs answers starts the stand-in and says so.
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
}.items():
    os.environ.setdefault(name, value)

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file: an in-memory database that threads share locks whole tables and never waits.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/tests.sqlite3"}  # noqa: F405
