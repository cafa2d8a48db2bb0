"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import Task, shared_task

from accounts.integrations import deliveries, idempotency
from accounts.models import Delivery, ProcedureDocument
from accounts.procedures import document_preparation, reconciliation
from accounts.services.leases import RetryLaterError, queue_overdue


@shared_task(bind=True, max_retries=None)
def prepare_procedures(self: Task, document_id: str) -> None:
    try:
        document_preparation.prepare_procedures(UUID(document_id))
    except RetryLaterError as error:
        raise self.retry(countdown=error.countdown) from error


@shared_task
def sweep_procedures() -> int:
    return queue_overdue(ProcedureDocument.objects.overdue(), prepare_procedures)


@shared_task
def reconcile_procedures() -> None:
    reconciliation.reconcile_procedures()
    # Documents that have disappeared from OpenAI are prepared again right away, not at the next sweep.
    queue_overdue(ProcedureDocument.objects.claimable(), prepare_procedures)


@shared_task
def deliver_webhook(delivery_id: str) -> None:
    deliveries.attempt_delivery(UUID(delivery_id))


@shared_task
def sweep_deliveries() -> int:
    # Failed deliveries are retried only by this sweep, so it does not wait until a row is overdue.
    return queue_overdue(Delivery.objects.of_active_webhooks().claimable().order_by("available_at"), deliver_webhook)


@shared_task
def delete_expired_records() -> None:
    idempotency.delete_expired_calls()
    deliveries.delete_old_deliveries()
