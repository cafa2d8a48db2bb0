"""Celery tasks of the scenario library. Each takes ids and calls one service."""

from celery import Task, shared_task

from accounts.services.leases import RetryLaterError, queue_lost, work_in_turn
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
        work_in_turn(self, ImportJob.objects.all(), import_writing.write_import)
    except RetryLaterError as error:
        raise self.retry(countdown=error.countdown) from error


@shared_task
def sweep_imports() -> int:
    import_cleanup.delete_old_unstarted_imports()
    return queue_lost(ImportJob.objects.all(), write_import)


@shared_task(bind=True)
def write_draft(self: Task, draft_id: str) -> None:
    work_in_turn(self, ScenarioDraft.objects.all(), draft_generation.generate_draft)


@shared_task
def sweep_drafts() -> int:
    draft_cleanup.discard_abandoned_drafts()
    draft_cleanup.delete_abandoned_copies()
    return queue_lost(ScenarioDraft.objects.all(), write_draft)


@shared_task
def sweep_contexts() -> None:
    evaluator_contexts.delete_orphaned_contexts()
