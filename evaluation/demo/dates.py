"""Dates of the demo's history, moved so that a history made days ago ends today."""

from datetime import date, timedelta
from io import StringIO

from django.apps import apps
from django.core.management import call_command
from django.db import models, transaction
from django.db.models import F

from evaluation.models import Tally

_APPS = ("accounts", "scenarios", "training", "recordings", "evaluation")


@transaction.atomic
def move_history(days: int) -> None:
    """Add days to every date and time of the product's tables, and count the weeks again."""
    for model in (model for label in _APPS for model in apps.get_app_config(label).get_models()):
        times = [field.attname for field in model._meta.concrete_fields if isinstance(field, models.DateTimeField)]
        if times:
            model._base_manager.update(**{name: F(name) + timedelta(days=days) for name in times})
    for model, name in _date_fields():
        _move_dates(model, name, days)
    Tally.objects.all().delete()
    call_command("count_weeks", stdout=StringIO(), skip_checks=True)


def _date_fields() -> list[tuple[type[models.Model], str]]:
    """Return every field with a date without a time, except those of tallies, which are counted again."""
    return [
        (model, field.attname)
        for label in _APPS
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField) and model is not Tally
    ]


def _move_dates(model: type[models.Model], name: str, days: int) -> None:
    """Move dates in Python: SQLite would store the result of date arithmetic as a time."""
    rows = model._base_manager.exclude(**{name: None}).values_list("pk", name)
    by_date: dict[date, list[object]] = {}
    for pk, value in rows:
        by_date.setdefault(value, []).append(pk)
    for value, pks in by_date.items():
        model._base_manager.filter(pk__in=pks).update(**{name: value + timedelta(days=days)})
