"""Search in migrations for changes that old code cannot live with while gateways drain."""

from collections.abc import Iterable, Iterator

from django.db import models
from django.db.migrations import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AlterField,
    AlterModelTable,
    AlterUniqueTogether,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_REMOVALS = {
    RemoveField: "removes a column that old code still reads and writes. Remove it in the release after next",
    RenameField: "renames a column that old code still uses. Add the new one beside it",
    DeleteModel: "removes a table that old code still uses. Remove it in the release after next",
    RenameModel: "renames a table that old code still uses",
    AlterModelTable: "renames a table that old code still uses",
    AlterUniqueTogether: "may refuse rows that old code writes",
}


def find_incompatible(state: ProjectState, migrations: Iterable[Migration]) -> list[str]:
    """Return a sentence for each operation that breaks code written for `state`. `state` moves to the last migration.

    Tables that are not in `state` are free to change, because old code does not know them.
    """
    known = set(state.models)
    problems = []
    for migration in migrations:
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(migration.app_label, state)
            found = _problems(migration.app_label, operation, before, state, known)
            problems += [f"{migration.app_label}.{migration.name}: {problem}" for problem in found]
    return problems


def _problems(
    app: str, operation: Operation, before: ProjectState, after: ProjectState, known: set[tuple[str, str]]
) -> Iterator[str]:
    name = getattr(operation, "model_name_lower", None) or getattr(operation, "name_lower", "")
    if isinstance(operation, RenameModel):
        name = operation.old_name_lower
    if (app, name) not in known:
        return
    label = f"{app}.{name}" + (f".{operation.name}" if isinstance(operation, RemoveField | AddField) else "")
    if isinstance(operation, RenameField):
        label = f"{label}.{operation.old_name}"
    if type(operation) in _REMOVALS:
        yield f"{label} {_REMOVALS[type(operation)]}."
    elif isinstance(operation, AddField) and not _has_database_default(operation.field):
        yield f"{label} is NOT NULL without a database default, so old code cannot insert rows. Give it db_default."
    elif isinstance(operation, AddConstraint):
        yield f"{label}: the constraint {operation.constraint.name} may refuse rows that old code writes."
    elif isinstance(operation, AlterField):
        old, new = (state.models[app, name].fields[operation.name] for state in (before, after))
        yield from (f"{label}.{operation.name} {change}, which old code does not know." for change in _narrow(old, new))


def _has_database_default(field: models.Field) -> bool:  # type: ignore[type-arg]
    return field.null or field.many_to_many or field.has_db_default()


def _narrow(old: models.Field, new: models.Field) -> Iterator[str]:  # type: ignore[type-arg]
    """Yield the ways in which a column takes fewer values than before."""
    if old.null and not new.null:
        yield "no longer takes NULL"
    if old.has_db_default() and not new.has_db_default() and not new.null:
        yield "loses its database default"
    if new.unique and not old.unique:
        yield "becomes unique"
    if old.get_internal_type() != new.get_internal_type():
        yield f"changes from {old.get_internal_type()} to {new.get_internal_type()}"
    elif old.max_length and new.max_length and new.max_length < old.max_length:
        yield f"shrinks from {old.max_length} to {new.max_length} characters"
