"""Django's `migrate`, extended to refuse databases that it cannot upgrade, and to set up a new installation."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext_lazy as _

from accounts.services.ownership import is_setup_refused, set_up_ownership

REFUSAL = _("""\
Nothing was changed. Only some of the migrations that this version squashes have been applied to this database.
Missing migrations:
%(missing)s
Check out commit dc280be, the last one with the old migrations, and run `manage.py migrate` there. Then upgrade again.
See docs/upgrading.md.""")


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        refuse_partly_migrated(connections[options["database"]])
        super().handle(*args, **options)
        is_whole = not (options["app_label"] or options["plan"] or options["check_unapplied"])
        if is_whole and options["database"] == DEFAULT_DB_ALIAS:
            self._set_up_ownership()

    def _set_up_ownership(self) -> None:
        """Claim the object store for a new installation. Refuse an empty database if the store is already in use."""
        problem = set_up_ownership()
        if problem and is_setup_refused():
            raise CommandError(problem)
        if problem:
            self.stderr.write(problem)


def refuse_partly_migrated(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError if a squashed migration's predecessors are partly applied and the rest are no longer on disk.

    Django itself would silently drop the squashed migration from its plan and leave the app unchanged.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    on_disk = loader.disk_migrations
    lines = []
    for (app, _name), migration in sorted(on_disk.items()):
        missing = [name for name in migration.replaces if name not in applied]
        is_partial = len(missing) < len(migration.replaces)
        if is_partial and any(name not in on_disk for name in missing):
            lines.append(f"  {app}: {', '.join(name for _app, name in missing)}")
    if lines:
        raise CommandError(REFUSAL % {"missing": "\n".join(lines)})
