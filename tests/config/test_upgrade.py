"""Upgrades of databases from before the migrations were squashed."""

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from dj_database_url import parse
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.support.migrated_database import FOLDER_VARIABLE, copy_sqlite
from tests.support.servers import require_program

ROOT = Path(__file__).resolve().parents[2]
DUMPS = ROOT / "fixtures" / "upgrades"
CONTENT_TYPES = "SELECT id FROM django_content_type WHERE app_label = 'authtoken'"
PERMISSIONS = f"SELECT id FROM auth_permission WHERE content_type_id IN ({CONTENT_TYPES})"
# Rows that are removed along with rest_framework.authtoken: an SQL condition for each table.
AUTHTOKEN_ROWS = {
    "authtoken_token": "TRUE",
    "django_content_type": f"id IN ({CONTENT_TYPES})",
    "auth_permission": f"id IN ({PERMISSIONS})",
    "auth_group_permissions": f"permission_id IN ({PERMISSIONS})",
    "accounts_user_user_permissions": f"permission_id IN ({PERMISSIONS})",
    "django_migrations": "app = 'authtoken'",
}


class Database(NamedTuple):
    """Database of one test, with functions to query and inspect it."""

    url: str
    dump: str  # file name in DUMPS
    execute: Callable[[str], list[tuple[Any, ...]]]  # runs a script, or one SELECT whose rows it returns
    schema: Callable[[], set[str]]  # returns the normalized SQL statements that create the schema

    def restore(self) -> "Database":
        self.execute((DUMPS / self.dump).read_text())
        return self

    def migrate(self, **options: Any) -> "Database":
        # A new alias for each run, because Django caches content types by alias.
        alias = uuid4().hex
        connections.settings[alias] = connections.configure_settings({"default": parse(self.url)})["default"]
        try:
            with connection.execute_wrapper(refuse_statement):
                call_command("migrate", database=alias, verbosity=0, interactive=False, **options)
        finally:
            connections[alias].close()
            del connections[alias], connections.settings[alias]
        return self

    def count(self, table: str, condition: str = "TRUE") -> int:
        number: int = self.execute(f"SELECT COUNT(*) FROM {table} WHERE {condition}")[0][0]
        return number

    def counts(self) -> dict[str, int]:
        """Return the number of rows of every table."""
        tables = re.findall(r"^CREATE TABLE \W?(?:public\.)?(\w+)", "\n".join(self.schema()), re.MULTILINE)
        return {table: self.count(table) for table in tables}


def refuse_statement(_execute: object, sql: str, *_: object) -> None:
    raise AssertionError(f"A migration of another database uses the default one: {sql}")


def sqlite_database(path: Path) -> Database:
    def execute(script: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            if script.startswith("SELECT"):
                return connection.execute(script).fetchall()
            connection.executescript(script)
            return []

    def schema() -> set[str]:
        rows = execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
        return {sort_parts(top_level_parts(sql)) for (sql,) in rows}

    return Database(f"sqlite:///{path}", "before_squash.sqlite.sql", execute, schema)


def create_postgres_database(server: str) -> Database:
    name = f"upgrade_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    url = f"{server.rsplit('/', 1)[0]}/{name}"

    def execute(script: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url) as connection:
            cursor = connection.execute(script)  # type: ignore[arg-type]
            return cursor.fetchall() if script.startswith("SELECT") else []

    def schema() -> set[str]:
        program = require_program("postgres").resolve().with_name("pg_dump")
        command = [str(program), "--schema-only", "--no-owner", "--no-comments", url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        statements = re.sub(r"^(--|\\|SET |SELECT pg_catalog\.).*\n", "", text, flags=re.MULTILINE).split(";\n")
        # A unique constraint's name ends in `_key` if the column was created with it, in `_<hash>_uniq` if added later.
        named = [re.sub(r"_(key|[0-9a-f]{8}_uniq) UNIQUE", "_unique UNIQUE", one) for one in statements]
        return {sort_parts(one.splitlines()) for one in named if one.strip()}

    return Database(url, "before_squash.postgresql.sql", execute, schema)


def top_level_parts(sql: str) -> list[str]:
    """Split `CREATE TABLE t (a, b CHECK (x, y))` into its head, columns, and constraints."""
    if not sql.startswith("CREATE TABLE"):
        return [sql]
    head, _, body = sql.rstrip().removesuffix(")").partition("(")
    parts, depth = [""], 0
    for character in body:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [head, *parts]


def sort_parts(parts: list[str]) -> str:
    """Join a statement's first line and its other parts in sorted order.

    Sorting is needed because a column that was added later comes last in the dump.
    """
    first, *others = [part.strip().rstrip(",") for part in parts if part.strip()]
    return "\n".join([first, *sorted(others)])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(request, tmp_path_factory, django_db_blocker) -> Iterator[Callable[[], Database]]:
    """Yield a function that creates an empty database of the kind under test."""
    # Unblocking is safe because these tests do not touch pytest-django's own databases.
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            folder = tmp_path_factory.mktemp("upgrade")
            yield lambda: sqlite_database(folder / f"{uuid4().hex}.sqlite3")
        else:
            server = request.getfixturevalue("postgres_url")
            yield lambda: create_postgres_database(server)


@pytest.fixture(scope="module")
def upgraded(new_database) -> Database:
    return new_database().restore().migrate()


def test_upgrade_keeps_every_row_except_authtoken(new_database, upgraded):
    before = new_database().restore()
    counts = before.counts()
    removed = {table: before.count(table, condition) for table, condition in AUTHTOKEN_ROWS.items()}

    # Tables of later versions hold nothing old. Their models add content types and permissions.
    after = upgraded.counts()
    kept = {table: count for table, count in after.items() if table in counts}
    new_models = [model for model in apps.get_models() if model._meta.db_table in after.keys() - counts.keys()]

    expected = {table: count - removed.get(table, 0) for table, count in counts.items()}
    history = before.execute("SELECT app, name FROM django_migrations")
    expected["django_migrations"] += len(MigrationLoader(None).disk_migrations.keys() - set(history))
    expected["django_content_type"] += len(new_models)
    expected["auth_permission"] += sum(
        len(model._meta.default_permissions) + len(model._meta.permissions) for model in new_models
    )
    assert expected.pop("authtoken_token") == 0
    assert kept == expected
    assert min(removed.values()) > 0
    assert min(kept.values()) > 0


def test_upgrade_keeps_values(new_database, upgraded):
    queries = [
        "SELECT email, password, role, external_id FROM accounts_user ORDER BY email",
        "SELECT title, title_key, prompt FROM scenarios_scenario ORDER BY title",
        "SELECT text_heard, revision FROM training_transcriptturn ORDER BY id",
        "SELECT public_id, kind, rank FROM evaluation_flag ORDER BY id",
        "SELECT object_repr, content_type_id FROM django_admin_log WHERE object_repr = 'Night shift'",
    ]
    before = new_database().restore()

    assert [upgraded.execute(query) for query in queries] == [before.execute(query) for query in queries]


@pytest.mark.parametrize(
    ("table", "is_unfinished"),
    [
        ("accounts_proceduredocument", "status = 'processing'"),
        ("accounts_delivery", "next_at IS NOT NULL"),
        ("evaluation_documentationreview", "status IN ('queued', 'running')"),
        ("evaluation_evaluation", "status IN ('queued', 'running')"),
        ("recordings_recording", "state IN ('recording', 'processing')"),
        ("scenarios_importjob", "status IN ('queued', 'running')"),
        ("scenarios_scenariodraft", "status = 'writing'"),
    ],
)
def test_upgrade_leaves_unfinished_rows_claimable_and_the_others_settled(new_database, upgraded, table, is_unfinished):
    unfinished = new_database().restore().count(table, is_unfinished)

    assert upgraded.count(table, "available_at IS NOT NULL") == unfinished
    condition = is_unfinished.replace("next_at", "available_at")
    assert upgraded.count(table, f"available_at IS NOT NULL AND {condition}") == unfinished


@pytest.fixture(scope="module")
def migrated(new_database) -> Database:
    """Return a new database with every migration applied."""
    return new_database().migrate()


def test_upgraded_and_new_databases_have_the_same_schema(upgraded, migrated):
    old_schema, new_schema = upgraded.schema(), migrated.schema()

    assert (sorted(old_schema - new_schema), sorted(new_schema - old_schema)) == ([], [])
    assert len(new_schema) > 150


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_copy_that_a_test_run_shares_equals_a_new_database(migrated, tmp_path, monkeypatch):
    if FOLDER_VARIABLE not in os.environ:
        monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))

    copy_sqlite(tmp_path / "copies" / "copy.sqlite3")

    copy = sqlite_database(tmp_path / "copies" / "copy.sqlite3")
    assert copy.schema() == migrated.schema()
    assert copy.counts() == migrated.counts()
    assert copy.count("auth_permission") > 0


def test_upgraded_database_has_no_unapplied_migrations(upgraded):
    upgraded.migrate(check_unapplied=True)  # raises SystemExit if a migration is unapplied


def test_models_need_no_new_migration():
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))

    assert detector.changes(graph=loader.graph) == {}


def test_database_with_missing_migrations_is_refused_unchanged(new_database):
    database = new_database().restore()
    database.execute("DELETE FROM django_migrations WHERE app = 'evaluation' AND name = '0011_flags_know_their_rank'")
    database.execute("DELETE FROM django_migrations WHERE app = 'training' AND name > '0004'")
    schema, counts = database.schema(), database.counts()

    with pytest.raises(CommandError) as refused:
        database.migrate()

    assert str(refused.value) == (
        "Nothing was changed. "
        "Only some of the migrations that this version squashes have been applied to this database.\n"
        "Missing migrations:\n"
        "  evaluation: 0011_flags_know_their_rank\n"
        "  training: 0004_marks_scores_and_care, 0005_queues_in_order\n"
        "Check out commit dc280be, the last one with the old migrations, and run `manage.py migrate` there. "
        "Then upgrade again.\n"
        "See docs/upgrading.md."
    )
    assert (database.schema(), database.counts()) == (schema, counts)


def test_dumps_hold_every_migration_that_was_squashed(new_database):
    squashed = {
        replaced for migration in MigrationLoader(None).disk_migrations.values() for replaced in migration.replaces
    }

    history = set(new_database().restore().execute("SELECT app, name FROM django_migrations"))

    assert len(squashed) == 36
    assert squashed - history == set()
