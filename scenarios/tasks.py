"""Celery tasks of the scenario library. Each takes ids and calls one service."""

from uuid import UUID

from celery import shared_task

from scenarios.services import drafts, evaluator_contexts, imports


@shared_task
def write_import(job_id: str) -> None:
    imports.write_import(UUID(job_id))


@shared_task
def sweep_imports() -> None:
    imports.sweep_imports()


@shared_task
def write_draft(draft_id: str) -> None:
    drafts.generate_draft(UUID(draft_id))


@shared_task
def sweep_drafts() -> None:
    drafts.sweep_drafts()


@shared_task
def sweep_contexts() -> None:
    evaluator_contexts.delete_orphaned_contexts()
