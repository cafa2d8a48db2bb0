"""The product's settings with a test environment, which by default reaches nothing outside this process."""

import os
import tempfile
from pathlib import Path

_folder = Path(tempfile.mkdtemp(prefix="steadyline-tests-"))

# xdist workers inherit this environment but need their own folders. Child processes of a worker share the worker's.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if os.environ.get("FOLDERS_OF_WORKER") != _worker:
    os.environ |= {
        "FOLDERS_OF_WORKER": _worker,
        "STORAGE_URL": f"file:{_folder}/files",
        "SPOOL_DIR": f"{_folder}/spool",
        "SPOOL_BUFFER_DIR": f"{_folder}/buffers",
    }

for name, value in {
    "SECRET_KEY": "only-for-tests-" + "x" * 32,
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "WEB_ORIGINS": "http://testserver,http://127.0.0.1",
    "GATEWAY_URL": "ws://127.0.0.1:8001",
    "INSTALLATION_ID": "tests-installation",
    "DATABASE_URL": f"sqlite:///{_folder}/tests.sqlite3",
    "REDIS_URL": "memory://localhost/",
    "EMAIL_URL": "memory:",
    "OPENAI_API_KEY": "sk-tests",
    # No server listens on port 9. A test that needs answers starts the stand-in explicitly.
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    # Far above what any test uses. Tests of the rate limits set their own.
    **{
        f"{owner}{kind}": "1000000"
        for owner in ("", "ORGANIZATION_")
        for kind in (
            "SESSIONS_PER_HOUR",
            "MESSAGES_PER_MINUTE",
            "GRADINGS_PER_HOUR",
            "DRAFTS_PER_HOUR",
            "UPLOADS_PER_HOUR",
            "TICKETS_PER_MINUTE",
            "INVITATIONS_PER_DAY",
        )
    },
}.items():
    os.environ.setdefault(name, value)

from config.settings import *  # noqa: E402, F403

# Look up static files on request. Otherwise, each test client would first list all of them, which takes 60 ms of CPU.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # Use a file. Threads that share an in-memory database lock whole tables, and fail at once instead of waiting.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/tests.sqlite3"}  # noqa: F405
