"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import shared_task


@shared_task
def write_import(job_id: str) -> None:
    from scenarios.services import imports  # noqa: PLC0415  (services queue these tasks)

    imports.write_import(UUID(job_id))


@shared_task
def sweep_imports() -> None:
    from scenarios.services import imports  # noqa: PLC0415

    imports.sweep_imports()


@shared_task
def write_draft(draft_id: str) -> None:
    from scenarios.services import drafts  # noqa: PLC0415

    drafts.write_draft(UUID(draft_id))


@shared_task
def sweep_drafts() -> None:
    from scenarios.services import drafts  # noqa: PLC0415

    drafts.sweep_drafts()


@shared_task
def sweep_contexts() -> None:
    from scenarios.services import contexts  # noqa: PLC0415

    contexts.sweep_contexts()
