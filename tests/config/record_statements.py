"""Recorder of the SQL statements that this version issues: `python -m tests.config.record_statements`.

Run it at the commit of a release, and commit the file. From then on, `test_old_code_on_new_schema.py` replays the
statements on the schema of every later version, as old processes do while gateways drain.

The statements come from tests of a session's whole life. Values are kept only as far as types and constraints need
them: ids, times, and long texts are replaced by constants.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.signals import connection_created
from django.db.migrations.loader import MigrationLoader

FILE = Path(__file__).with_name("recorded_statements.json")
APPS = ("accounts", "scenarios", "training", "recordings", "evaluation")
TESTS = [
    "tests/accounts/test_document_preparation.py",
    "tests/accounts/test_idempotency.py",
    "tests/accounts/test_login.py",
    "tests/accounts/test_reconciliation.py",
    "tests/accounts/test_service_tokens.py",
    "tests/accounts/test_webhooks.py",
    "tests/evaluation/test_comments.py",
    "tests/evaluation/test_documentation.py",
    "tests/evaluation/test_flags_and_disputes.py",
    "tests/evaluation/test_grading.py",
    "tests/evaluation/test_reviews.py",
    "tests/evaluation/test_weekly_tallies.py",
    "tests/recordings/test_deletion.py",
    "tests/recordings/test_finishing.py",
    "tests/scenarios/services/test_drafts.py",
    "tests/scenarios/services/test_import_writing.py",
    "tests/training/test_assignments.py",
    "tests/training/test_call_leases.py",
    "tests/training/test_call_tickets.py",
    "tests/training/test_greetings.py",
    "tests/training/test_notifications.py",
    "tests/training/test_sessions.py",
    "tests/training/test_turns.py",
]

_TABLE = re.compile(rf'"((?:{"|".join(APPS)})_\w+)"')
_INSERT = re.compile(r'INSERT (?:OR IGNORE )?INTO "(\w+)" \(([^)]*)\) VALUES \(([^()]*)\)')
_UPDATE = re.compile(r'UPDATE "(\w+)" SET (.*?)(?: WHERE .*)?$', re.DOTALL)
# Aliases such as U0 stand for several tables in one statement, so columns read through them are left out.
_READ = re.compile(r'"(\w+)"\."(\w+)"')


class StatementRecorder:
    """Collector of inserted, updated, and read columns by table, each with a sample value."""

    def __init__(self) -> None:
        self.inserts: dict[str, dict[str, dict[str, Any]]] = {}  # by table and column list
        self.updates: dict[str, dict[str, Any]] = {}
        self.reads: dict[str, set[str]] = {}

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        first = params[0] if many and params else params
        self.record(sql, list(first or ()))
        return execute(sql, params, many, context)

    def record(self, sql: str, params: list[Any]) -> None:
        if match := _INSERT.match(sql):
            self._record_insert(*match.groups(), params)
        elif match := _UPDATE.match(sql):
            self._record_update(*match.groups(), params)
        for table, column in _READ.findall(sql):
            if _TABLE.fullmatch(f'"{table}"'):
                self.reads.setdefault(table, set()).add(column)

    def _record_insert(self, table: str, columns: str, values: str, params: list[Any]) -> None:
        names, placeholders = re.findall(r'"(\w+)"', columns), values.split(", ")
        if _TABLE.fullmatch(f'"{table}"') and placeholders == ["%s"] * len(names):
            row = {name: neutral(name, value) for name, value in zip(names, params, strict=False)}
            self.inserts.setdefault(table, {}).setdefault(", ".join(sorted(names)), row)

    def _record_update(self, table: str, assignments: str, params: list[Any]) -> None:
        if not _TABLE.fullmatch(f'"{table}"'):
            return
        changed = self.updates.setdefault(table, {})
        for match in re.finditer(r'"(\w+)" = (%s)?', assignments):
            if match[2] and changed.get(match[1]) is None:
                position = assignments.count("%s", 0, match.start(2))
                changed[match[1]] = neutral(match[1], params[position])
            else:
                changed.setdefault(match[1], None)

    def as_json(self) -> dict[str, Any]:
        loader = MigrationLoader(None)
        return {
            "migrations": {app: name for app, name in sorted(loader.graph.leaf_nodes()) if app in APPS},
            "inserts": {table: list(rows.values()) for table, rows in sorted(self.inserts.items())},
            "updates": {table: dict(sorted(columns.items())) for table, columns in sorted(self.updates.items())},
            "reads": {table: sorted(columns) for table, columns in sorted(self.reads.items())},
        }


def neutral(column: str, value: Any) -> Any:
    """Return a value of the same type that is the same in each recording and holds no secret."""
    if isinstance(value, int | float | None):
        return value
    if column in {"password", "secret"}:
        return ""
    text = str(value)
    for pattern, constant in (
        (r"\b[0-9a-f]{32}\b", "0" * 31 + "1"),
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "00000000-0000-4000-8000-000000000001"),
        (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(?:\+00:00|Z)?", "2026-01-02 03:04:05+00:00"),
        (r"\b\d{4}-\d\d-\d\d\b", "2026-01-02"),
    ):
        if re.fullmatch(pattern, text):
            return constant
        text = re.sub(pattern, constant, text)
    if text[:1] in "[{" or column in {"status", "state", "kind", "role", "mode"} or len(text) <= 12:
        return text
    return "text"


class RecorderPlugin:
    """pytest plugin that records every connection of the run."""

    def __init__(self, recorder: StatementRecorder) -> None:
        self.recorder = recorder

    def pytest_configure(self) -> None:
        connection_created.connect(self._watch)

    def _watch(self, connection: Any, **kwargs: object) -> None:
        if self.recorder not in connection.execute_wrappers:
            connection.execute_wrappers.append(self.recorder)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == 0:
            FILE.write_text(json.dumps(self.recorder.as_json(), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *TESTS], [RecorderPlugin(StatementRecorder())]))
