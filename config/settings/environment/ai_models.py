"""OpenAI, its models, and the limits of requests to them."""

from contextlib import suppress
from urllib.parse import urlsplit

from environs import validate

from config.settings.environment.parser import above_zero, at_least_one, env

OPENAI_API_KEY = env.str("OPENAI_API_KEY", validate=validate.Length(min=1, error="must not be empty"))
OPENAI_BASE_URL = env.str(
    "OPENAI_BASE_URL",
    "https://api.openai.com/v1",
    validate=validate.Regexp(r"^https?://", error="must begin with http:// or https://"),
)


def _separates_thinking_by_default(url: str) -> bool:
    """Return True for OpenAI and Azure OpenAI hosts, whose answers never contain the model's thinking."""
    host = ""
    with suppress(ValueError):  # an invalid URL is reported by its own check or by the first request
        host = urlsplit(url).hostname or ""
    return any(host == known or host.endswith(f".{known}") for known in ("openai.com", "openai.azure.com"))


# True if answers never contain the model's thinking, so that each can be shown from its first word.
OPENAI_SEPARATES_THINKING = env.bool("OPENAI_SEPARATES_THINKING", _separates_thinking_by_default(OPENAI_BASE_URL or ""))
REALTIME_MODEL = env.str("REALTIME_MODEL", "gpt-realtime-2.1")
REALTIME_VOICE = env.str("REALTIME_VOICE", "marin")
TRANSCRIBE_MODEL = env.str("TRANSCRIBE_MODEL", "gpt-transcribe")
CHAT_MODEL = env.str("CHAT_MODEL", "gpt-5.4-mini")
EVALUATOR_MODEL = env.str("EVALUATOR_MODEL", "gpt-5.6-sol")
EVALUATOR_MAX_OUTPUT_TOKENS = env.int("EVALUATOR_MAX_OUTPUT_TOKENS", 3000, validate=validate.Range(min=500))  # tokens
_temperature = env.str(
    "EVALUATOR_TEMPERATURE",
    "0.3",
    validate=validate.Regexp(r"(?i)^(?:off|[01](?:\.\d+)?|2(?:\.0+)?)$", error="must be off or a number from 0 to 2"),
)
# None if off: requests then have no temperature.
EVALUATOR_TEMPERATURE = float(_temperature) if _temperature and _temperature.lower() != "off" else None
EVALUATOR_TIMEOUT = env.float("EVALUATOR_TIMEOUT", 120.0, validate=at_least_one)  # seconds
ANALYZER_MODEL = env.str("ANALYZER_MODEL", "gpt-5.4-mini")
GENERATOR_MODEL = env.str("GENERATOR_MODEL", "gpt-5.6-sol")
GENERATOR_MAX_OUTPUT_TOKENS = env.int("GENERATOR_MAX_OUTPUT_TOKENS", 4000, validate=validate.Range(min=500))  # tokens
GENERATOR_TIMEOUT = env.float("GENERATOR_TIMEOUT", 120.0, validate=at_least_one)  # seconds
PROCEDURES_TIMEOUT = env.float("PROCEDURES_TIMEOUT", 180.0, validate=above_zero)  # until indexing a document fails
# Seconds. Younger files at OpenAI may belong to a document whose row has not been written yet.
PROCEDURES_LEFT_AFTER = env.float("PROCEDURES_LEFT_AFTER", 3600.0, validate=above_zero)
