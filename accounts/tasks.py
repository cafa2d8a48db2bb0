"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import Task, shared_task

from accounts.integrations import idempotency, webhooks
from accounts.procedures import preparation, reconciliation


@shared_task(bind=True, max_retries=None)
def prepare_procedures(self: Task, document_id: str) -> None:
    try:
        preparation.prepare_procedures(UUID(document_id))
    except preparation.RetryLaterError as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task
def sweep_procedures() -> None:
    preparation.sweep_procedures()


@shared_task
def reconcile_procedures() -> None:
    reconciliation.reconcile_procedures()


@shared_task
def deliver_webhook(delivery_id: str) -> None:
    webhooks.attempt_delivery(UUID(delivery_id))


@shared_task
def sweep_deliveries() -> None:
    webhooks.sweep_deliveries()


@shared_task
def forget_old_calls() -> None:
    idempotency.delete_expired_calls()
    webhooks.delete_old_deliveries()
