"""Packs for import tests, and a storage that fails on demand."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from accounts.models import Organization
from config.storage.disk import PrivateFileStorage
from scenarios.models import ImportJob
from scenarios.services.import_writing import write_import
from scenarios.services.imports import ImportOptions, stage_import, start_import


def make_pack_file(*rows: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO(json.dumps({"scenarios": rows}).encode())


def make_row(title: str = "Night shift", **values: Any) -> dict[str, Any]:
    return {"title": title, "prompt": "You are Dana."} | values


def make_rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [make_row(f"Caller {number}", evaluator_context=f"- Point {number}.") | values for number in range(count)]


def stage_test_import(
    organization: Organization, *rows: dict[str, Any], by: Any = None, key: str = "", **options: Any
) -> ImportJob:
    return stage_import(
        organization,
        by,
        make_pack_file(*rows),
        "pack.json",
        ImportJob.ImportSource.API,
        ImportOptions(**options),
        idempotency_key=key,
    )


def start_test_import(organization: Organization, *rows: dict[str, Any], **options: Any) -> ImportJob:
    """Stage and start an import without queueing its task. The test calls `write_import` as the worker."""
    job = stage_test_import(organization, *rows, **options)
    assert start_import(job, queue=False), list(job.rows.values_list("title", "problems"))
    return job


def run_test_import(organization: Organization, *rows: dict[str, Any], **options: Any) -> ImportJob:
    job = start_test_import(organization, *rows, **options)
    write_import(job.pk)
    job.refresh_from_db()
    return job


def list_outcomes(job: ImportJob) -> list[str]:
    return list(job.rows.order_by("number").values_list("outcome", flat=True))


def list_problems(job: ImportJob) -> list[tuple[str, str]]:
    """Return (field, message) of every problem, row by row."""
    found = job.rows.order_by("number").values_list("problems", flat=True)
    return [(problem["field"], problem["message"]) for some in found for problem in some]


@contextmanager
def run_before_query(sql_part: str, action: Callable[[], object]) -> Iterator[None]:
    """Call `action` right before the first query that contains `sql_part`, to provoke a race."""
    waiting = [action]

    def watch(execute: Callable[..., object], sql: str, *rest: Any) -> object:
        if waiting and sql_part in sql:
            waiting.pop()()
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        yield


class FailingStorage(PrivateFileStorage):
    """A storage that raises OSError once `remaining_saves` files are saved."""

    remaining_saves = 0

    def save(self, name: Any, content: Any, max_length: Any = None) -> str:
        if type(self).remaining_saves <= 0:
            raise OSError("The storage is unavailable.")
        type(self).remaining_saves -= 1
        return super().save(name, content, max_length)
