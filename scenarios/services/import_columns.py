"""Descriptions of a pack's columns, derived from the model and the reader."""

from dataclasses import dataclass
from typing import Any

from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _

from scenarios.models import MAX_SKILLS_PER_SCENARIO, Scenario
from scenarios.packs.columns import COLUMNS, REQUIRED_COLUMNS, ColumnType
from scenarios.services.evaluator_contexts import CONTEXT_LIMIT

MODEL_FIELDS: dict[str, Any] = {field.name: field for field in Scenario._meta.fields}


@dataclass(frozen=True)
class PackColumn:
    name: str
    is_required: bool
    allowed_values: str


def describe_pack_columns() -> list[PackColumn]:
    related = _related_columns()
    return [PackColumn(name, name in REQUIRED_COLUMNS, related.get(name) or _describe_column(name)) for name in COLUMNS]


def _related_columns() -> dict[str, str]:
    """Return the allowed values of columns that name other rows or hold a file's text."""
    return {
        "evaluator_context": _("Up to %(most)s characters") % {"most": f"{CONTEXT_LIMIT:,}"},
        "category": _("The name of a category"),
        "skills": _("Up to %(most)s names of skills: a list in JSON, separated by semicolons in CSV")
        % {"most": MAX_SKILLS_PER_SCENARIO},
        "account": _("The number or name of an account; by default, the account chosen above"),
    }


def _describe_column(name: str) -> str:
    field = MODEL_FIELDS[name]
    allowed = _describe_values(field)
    if not field.choices and COLUMNS[name] is ColumnType.TEXT:
        return allowed
    if not field.has_default():
        return _("%(values)s. %(help)s") % {"values": allowed, "help": field.help_text}
    default = str(field.default).lower() if isinstance(field.default, bool) else field.default
    return _("%(values)s; by default, %(default)s") % {"values": allowed, "default": default}


def _describe_values(field: Any) -> str:
    validators = [validator for validator in field.validators if hasattr(validator, "limit_value")]
    limits = {type(validator): validator.limit_value for validator in validators}
    if field.choices:
        values = [value for value, _label in field.choices]
        if len(values) == 2:
            return _("%(first)s or %(last)s") % {"first": values[0], "last": values[1]}
        return _("%(others)s, or %(last)s") % {"others": ", ".join(values[:-1]), "last": values[-1]}
    if COLUMNS[field.name] is ColumnType.BOOLEAN:
        return _("true or false")
    if COLUMNS[field.name] is ColumnType.INTEGER:
        return _("A whole number from %(least)s to %(most)s") % {
            "least": limits[MinValueValidator],
            "most": limits[MaxValueValidator],
        }
    return _("Up to %(most)s characters") % {"most": f"{limits[MaxLengthValidator]:,}"}
