"""Parser of environment variables, which collects all invalid settings, and validators."""

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, validate
from environs import ValidationError as InvalidSettingError

env = Env(eager=False)
above_zero = validate.Range(min=0, min_inclusive=False, error="must be more than 0")
at_least_one = validate.Range(min=1)
not_negative = validate.Range(min=0)
_errors: dict[str, list[str]] = {}


def validate_origins(values: list[str]) -> None:
    for value in values:
        validate.Regexp(r"^https?://[^/\s]+$", error="must look like https://practice.example.org (no path)")(value)


def validate_ports(values: list[int]) -> None:
    if not values or not all(0 < port < 65_536 for port in values):
        raise InvalidSettingError("must be port numbers from 1 to 65535, separated by commas")


def refuse_invalid_settings() -> None:
    """Raise ImproperlyConfigured with the name and the error of each setting that is missing or invalid.

    Django loads the settings again after such an error, but these modules only once. So every call raises it.
    """
    try:
        env.seal()
    except EnvValidationError as error:
        _errors.update(error.error_messages if isinstance(error.error_messages, dict) else {"": [str(error)]})
    if _errors:
        lines = "\n".join(f"  {name}: {' '.join(messages)}" for name, messages in sorted(_errors.items()))
        raise ImproperlyConfigured(f"These settings are missing or invalid:\n{lines}")
