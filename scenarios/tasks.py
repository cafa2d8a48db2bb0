"""Celery tasks of the scenario library. Each takes ids and calls one service."""

from uuid import UUID

from celery import Task, shared_task

from accounts.services.leases import RetryLaterError, queue_overdue
from scenarios.models import ImportJob, ScenarioDraft
from scenarios.services import (
    draft_cleanup,
    draft_generation,
    evaluator_contexts,
    import_cleanup,
    import_writing,
)


@shared_task(bind=True, max_retries=None)
def write_import(self: Task, job_id: str) -> None:
    try:
        import_writing.write_import(UUID(job_id))
    except RetryLaterError as error:
        raise self.retry(countdown=error.countdown) from error


@shared_task
def sweep_imports() -> int:
    import_cleanup.delete_old_unstarted_imports()
    return queue_overdue(ImportJob.objects.overdue(), write_import)


@shared_task
def write_draft(draft_id: str) -> None:
    draft_generation.generate_draft(UUID(draft_id))


@shared_task
def sweep_drafts() -> int:
    draft_cleanup.discard_abandoned_drafts()
    return queue_overdue(ScenarioDraft.objects.overdue(), write_draft)


@shared_task
def sweep_contexts() -> None:
    evaluator_contexts.delete_orphaned_contexts()
