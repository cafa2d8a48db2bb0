"""Processes of the last release on today's schema: gateways of the old version drain after `migrate` has run.

`recorded_statements.json` holds what the last release writes and reads; `record_statements.py` made it there.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations import AddConstraint, AddField, AlterField, DeleteModel, Migration, RemoveField, RenameField
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from tests.config.record_statements import APPS, FILE, StatementRecorder
from tests.config.schema_compatibility import find_incompatible

RECORDED = json.loads(FILE.read_text())
# Changes that the search reports although old code can live with them, each with the reason.
REVIEWED = {
    "training.0003_stopped_attempts: training.session: the constraint attempt_belongs_to_an_assignment may refuse rows "
    "that old code writes.": "it allows more than the constraint of the same name that it replaces",
}

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def quote(names: list[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)


def replay(sql: str, params: Sequence[Any] = ()) -> str:
    """Run a statement, undo it, and return the database's complaint, which names the column, or ""."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return f"{sql}: {error}"
    return ""


def insert(table: str, row: dict[str, Any]) -> str:
    values = ", ".join(["%s"] * len(row))
    return replay(f"INSERT INTO {quote([table])} ({quote([*row])}) VALUES ({values})", [*row.values()])


@pytest.mark.parametrize("table", RECORDED["inserts"])
def test_recorded_inserts_work(table):
    """Insert a row as old code does. Foreign keys are checked at commit, which never comes."""
    assert [problem for row in RECORDED["inserts"][table] if (problem := insert(table, row))] == []


@pytest.mark.parametrize("table", RECORDED["updates"])
def test_recorded_updates_work(table):
    problems = []
    for column, value in RECORDED["updates"][table].items():
        name = connection.ops.quote_name(column)
        problems.append(replay(f"UPDATE {quote([table])} SET {name} = %s WHERE 1 = 0", [value]))

    assert [problem for problem in problems if problem] == []


@pytest.mark.parametrize("table", RECORDED["reads"])
def test_recorded_reads_work(table):
    # SQLite takes an unknown column for a string, unless it is qualified.
    columns = ", ".join(f"{quote([table])}.{quote([column])}" for column in RECORDED["reads"][table])

    assert replay(f"SELECT {columns} FROM {quote([table])} WHERE 1 = 0") == ""


def test_recording_covers_a_representative_run():
    tables = {model._meta.db_table for app in APPS for model in apps.get_app_config(app).get_models()}
    needed = {
        "training_session", "training_transcriptturn", "training_assignment", "training_callticket",
        "recordings_recording", "recordings_recordingepoch", "recordings_recordingdeletion",
        "evaluation_evaluation", "evaluation_criterionresult", "evaluation_flag", "evaluation_documentationreview",
        "scenarios_importjob", "scenarios_importrow", "scenarios_scenario", "scenarios_scenarioversion",
        "accounts_proceduredocument", "accounts_delivery", "accounts_idempotentcall", "accounts_user",
    }  # fmt: skip

    assert needed - RECORDED["inserts"].keys() == set()
    assert {"heartbeat_at"} <= RECORDED["updates"]["training_session"].keys()
    assert {"available_at", "fence"} <= RECORDED["updates"]["recordings_recording"].keys()
    assert len(RECORDED["reads"].keys() & tables) > 30


def test_migrations_since_the_recording_keep_old_code_running():
    loader = MigrationLoader(None)
    recorded = [(app, name) for app, name in RECORDED["migrations"].items()]
    applied = {node for target in recorded for node in loader.graph.forwards_plan(target)}
    plan = []
    for leaf in sorted(loader.graph.leaf_nodes()):
        if leaf[0] in APPS:
            plan += [node for node in loader.graph.forwards_plan(leaf) if node not in {*applied, *plan}]

    problems = find_incompatible(
        loader.project_state(recorded), [loader.graph.nodes[node] for node in plan if node[0] in APPS]
    )

    assert [problem for problem in problems if problem not in REVIEWED] == []
    assert REVIEWED.keys() <= set(problems)


OLD = models.CharField(max_length=50, null=True)


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (
            AddField("call", "tone", models.CharField(max_length=9, default="calm")),
            "tone is NOT NULL without a database",
        ),
        (AddField("call", "tone", models.CharField(max_length=9, db_default="calm")), ""),
        (AddField("call", "tone", models.CharField(max_length=9, null=True)), ""),
        (RemoveField("call", "note"), "note removes a column"),
        (RenameField("call", "note", "remark"), "note renames a column"),
        (DeleteModel("call"), "call removes a table"),
        (AlterField("call", "note", models.CharField(max_length=50)), "note no longer takes NULL"),
        (AlterField("call", "note", models.CharField(max_length=20, null=True)), "note shrinks from 50 to 20"),
        (AlterField("call", "note", models.IntegerField(null=True)), "note changes from CharField to IntegerField"),
        (AlterField("call", "note", models.CharField(max_length=50, null=True, unique=True)), "note becomes unique"),
        (AlterField("call", "note", models.CharField(max_length=60, null=True)), ""),
        (AddConstraint("call", models.UniqueConstraint(fields=["note"], name="once")), "constraint once may refuse"),
    ],
)
def test_search_finds_each_kind_of_incompatible_migration(operation: Operation, problem: str):
    state = ProjectState()
    state.add_model(_model_state())
    migration = Migration("0002_change", "training")
    migration.operations = [operation]

    found = find_incompatible(state, [migration])

    assert [problem in sentence for sentence in found] == ([True] if problem else [])


def _model_state() -> ModelState:
    return ModelState("training", "Call", [("id", models.BigAutoField(primary_key=True)), ("note", OLD.clone())])


def test_added_column_without_default_is_reported_by_name():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tone_test (id integer PRIMARY KEY, note varchar(9) NOT NULL)")

    problem = insert("tone_test", {"id": 1})

    assert "note" in problem.partition(": ")[2]


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        (
            'INSERT INTO "training_session" ("id", "status") VALUES (%s, %s), (%s, %s)',
            ["a" * 32, "active", "b" * 32, "active"],
            ({"id": "0" * 31 + "1", "status": "active"}, {}, set()),
        ),
        (
            'UPDATE "training_session" SET "revision" = ("training_session"."revision" + %s), "status" = %s',
            [1, "completed"],
            ({}, {"revision": None, "status": "completed"}, {"revision"}),
        ),
        (
            'SELECT "training_session"."id", U0."x" FROM "training_session" WHERE "training_session"."mode" = %s',
            ["chat"],
            ({}, {}, {"id", "mode"}),
        ),
        ('INSERT INTO "django_session" ("id") VALUES (%s)', ["x"], ({}, {}, set())),
    ],
)
def test_recorder_takes_columns_and_values(sql, params, expected):
    recorder = StatementRecorder()

    recorder.record(sql, params)

    inserts = recorder.inserts.get("training_session", {})
    found = next(iter(inserts.values()), {}), recorder.updates.get("training_session", {})
    assert (*found, recorder.reads.get("training_session", set())) == expected
