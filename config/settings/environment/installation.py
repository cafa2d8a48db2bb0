"""This installation, its organizations, and its emails to people."""

import tomllib
from pathlib import Path
from zoneinfo import available_timezones

from environs import validate

from config.settings.environment.parser import at_least_one, env, not_negative

BASE_DIR = Path(__file__).resolve().parents[3]

# Version of this installation, reported by /health/. A deployment may set its own, such as a commit hash.
VERSION = env.str("VERSION", tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=validate.Length(min=32, error="must have at least 32 characters"))
# Identifies this installation in its database, object store, and OpenAI project, e.g. a UUID. Never change or reuse it.
INSTALLATION_ID = env.str(
    "INSTALLATION_ID",
    validate=validate.Regexp(r"^[A-Za-z0-9-]{8,64}\Z", error="must be 8 to 64 letters, digits, or hyphens"),
)
DEMO_NOTICE = env.str("DEMO_NOTICE", "")  # shown on every page of a demo
# Name or id of the organization that management commands use by default.
DEFAULT_ORGANIZATION = env.str("DEFAULT_ORGANIZATION", "")
# Time zone of organizations that have not chosen their own, e.g. America/New_York.
TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=validate.OneOf(available_timezones(), error="is not a time zone"))
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]))
DUE_SOON_DAYS = env.int("DUE_SOON_DAYS", 2, validate=not_negative)  # days before the due date
NOTICES_AT_ONCE = env.int("NOTICES_AT_ONCE", 500, validate=at_least_one)  # mails per sweep
# Reviews of a criterion that are needed to show kappa. With fewer, its interval is too wide to act on.
AGREEMENT_MIN_REVIEWS = env.int("AGREEMENT_MIN_REVIEWS", 30, validate=at_least_one)
