"""Descriptions of a pack's columns, derived from the model and the reader."""

from dataclasses import dataclass

from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator

from scenarios.models import MAX_SKILLS_PER_SCENARIO, Scenario
from scenarios.packs.columns import COLUMNS, REQUIRED_COLUMNS, ColumnType
from scenarios.services.evaluator_contexts import CONTEXT_LIMIT

# Columns that name other rows or hold a file's text.
RELATED_COLUMNS = {
    "evaluator_context": f"up to {CONTEXT_LIMIT:,} characters",
    "category": "the name of a category",
    "skills": f"up to {MAX_SKILLS_PER_SCENARIO} names of skills: a list in JSON, between semicolons in CSV",
    "account": "the number or name of an account; when left empty, the one chosen above",
}


COLUMNS_OF_THE_MODEL = {field.name: field for field in Scenario._meta.fields}


@dataclass(frozen=True)
class PackColumn:
    name: str
    is_required: bool
    takes: str  # allowed values


def describe_pack_columns():
    return [PackColumn(name, name in REQUIRED_COLUMNS, RELATED_COLUMNS.get(name) or _takes(name)) for name in COLUMNS]


def _takes(name):
    field = COLUMNS_OF_THE_MODEL[name]
    judges = [judge for judge in field.validators if hasattr(judge, "limit_value")]
    limits = {type(judge): judge.limit_value for judge in judges}
    if field.choices:
        takes = _either([value for value, _ in field.choices])
    elif COLUMNS[name] is ColumnType.BOOLEAN:
        takes = "true or false"
    elif COLUMNS[name] is ColumnType.INTEGER:
        takes = f"a whole number from {limits[MinValueValidator]} to {limits[MaxValueValidator]}"
    else:
        return f"up to {limits[MaxLengthValidator]:,} characters"
    if not field.has_default():
        return f"{takes}. {field.help_text}"
    default = field.default
    return f"{takes}; {str(default).lower() if isinstance(default, bool) else default} when left empty"


def _either(words):
    return f"{', '.join(words[:-1])} or {words[-1]}"
