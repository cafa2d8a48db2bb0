"""Celery's doors: they take ids and call one service."""

from uuid import UUID

from celery import Task, shared_task


@shared_task(bind=True, max_retries=None)
def prepare_procedures(self: Task, document_id: str) -> None:
    from accounts.services import preparing  # noqa: PLC0415  (services queue this task)

    try:
        preparing.prepare_procedures(UUID(document_id))
    except preparing.NotYet as wait:
        raise self.retry(countdown=wait.seconds) from wait


@shared_task
def sweep_procedures() -> None:
    from accounts.services import preparing  # noqa: PLC0415

    preparing.sweep_procedures()


@shared_task
def reconcile_procedures() -> None:
    from accounts.services import reconciling  # noqa: PLC0415

    reconciling.reconcile_procedures()


@shared_task
def deliver_webhook(delivery_id: str) -> None:
    from accounts.services import webhooks  # noqa: PLC0415  (services queue this task)

    webhooks.deliver(UUID(delivery_id))


@shared_task
def sweep_deliveries() -> None:
    from accounts.services import webhooks  # noqa: PLC0415

    webhooks.sweep_deliveries()


@shared_task
def forget_old_calls() -> None:
    from accounts.idempotency import forget_old_calls as forget_calls  # noqa: PLC0415
    from accounts.services.webhooks import forget_old_deliveries  # noqa: PLC0415

    forget_calls()
    forget_old_deliveries()
