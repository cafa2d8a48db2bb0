"""Packs for the tests of imports, and a storage that fails when a test says so."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.db import connection

from accounts.models import Organization
from scenarios.models import ImportJob
from scenarios.services.imports import ImportOptions, begin_import, check_pack, write_import


def pack(*rows: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO(json.dumps({"scenarios": rows}).encode())


def row(title: str = "Night shift", **values: Any) -> dict[str, Any]:
    return {"title": title, "prompt": "You are Dana."} | values


def many(count: int, **values: Any) -> list[dict[str, Any]]:
    return [row(f"Caller {number}", evaluator_context=f"- Point {number}.") | values for number in range(count)]


def checked(
    organization: Organization, *rows: dict[str, Any], by: Any = None, key: str = "", **options: Any
) -> ImportJob:
    return check_pack(
        organization, by, pack(*rows), "pack.json", ImportJob.Source.API, ImportOptions(**options), idempotency_key=key
    )


def begun(organization: Organization, *rows: dict[str, Any], **options: Any) -> ImportJob:
    """Checked and let go; whoever calls `write_import` is the worker."""
    job = checked(organization, *rows, **options)
    assert begin_import(job, queue=False), list(job.rows.values_list("title", "problems"))
    return job


def imported(organization: Organization, *rows: dict[str, Any], **options: Any) -> ImportJob:
    job = begun(organization, *rows, **options)
    write_import(job.pk)
    job.refresh_from_db()
    return job


def outcomes(job: ImportJob) -> list[str]:
    return list(job.rows.order_by("number").values_list("outcome", flat=True))


def problems(job: ImportJob) -> list[tuple[str, str]]:
    """Field and message of every problem, row by row."""
    found = job.rows.order_by("number").values_list("problems", flat=True)
    return [(problem["field"], problem["message"]) for some in found for problem in some]


@contextmanager
def just_before(words: str, others_do: Callable[[], object]) -> Iterator[None]:
    """Let others act right before our first query that holds these words: the moment that a race needs."""
    waiting = [others_do]

    def watch(execute: Callable[..., object], sql: str, *rest: Any) -> object:
        if waiting and words in sql:
            waiting.pop()()
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        yield


class FailingStorage(FileSystemStorage):
    """Writes so many files and no more."""

    left = 0

    def save(self, name: Any, content: Any, max_length: Any = None) -> str:
        if type(self).left <= 0:
            raise OSError("The storage is away.")
        type(self).left -= 1
        return super().save(name, content, max_length)
