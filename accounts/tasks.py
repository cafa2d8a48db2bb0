"""Celery tasks. Each takes ids and calls one service."""

from celery import Task, shared_task

from accounts.integrations import deliveries, idempotency
from accounts.models import Delivery, ProcedureDocument
from accounts.procedures import document_preparation, reconciliation
from accounts.services import account_notices, invitation_emails, login_attempts, rate_limits
from accounts.services.leases import RetryLaterError, organization_limit, queue_lost, queue_overdue, work_in_turn
from accounts.services.ownership import may_delete


@shared_task(bind=True, max_retries=None)
def prepare_procedures(self: Task, document_id: str) -> None:
    try:
        work_in_turn(self, ProcedureDocument.objects.all(), document_preparation.prepare_procedures)
    except RetryLaterError as error:
        raise self.retry(countdown=error.countdown) from error


@shared_task
def sweep_procedures() -> int:
    return queue_lost(ProcedureDocument.objects.all(), prepare_procedures)


@shared_task
def reconcile_procedures() -> None:
    reconciliation.reconcile_procedures()
    # Documents that have disappeared from OpenAI are prepared again right away, not at the next sweep.
    queue_overdue(ProcedureDocument.objects.in_turn(organization_limit(prepare_procedures)), prepare_procedures)


@shared_task(bind=True)
def deliver_webhook(self: Task, delivery_id: str) -> None:
    work_in_turn(self, Delivery.objects.of_active_webhooks(), deliveries.attempt_delivery)


@shared_task
def sweep_deliveries() -> int:
    # Failed deliveries are retried only by this sweep, so it does not wait until a row is overdue.
    waiting = Delivery.objects.of_active_webhooks().in_turn(organization_limit(deliver_webhook))
    return queue_overdue(waiting, deliver_webhook)


@shared_task(autoretry_for=(OSError,), retry_backoff=10, max_retries=5)
def send_account_notice(address: str, notice: str) -> None:
    account_notices.send_account_notice(address, notice)


@shared_task(autoretry_for=(OSError,), retry_backoff=10, max_retries=5)
def send_invitation(invitation_id: str) -> None:
    invitation_emails.send_invitation(invitation_id)


@shared_task
def sweep_invitations() -> int:
    return invitation_emails.send_waiting_invitations()


@shared_task
def delete_expired_records() -> None:
    if may_delete("expired records"):
        idempotency.delete_expired_calls()
        deliveries.delete_old_deliveries()
        login_attempts.delete_old_login_attempts()
        rate_limits.delete_ended_counts()
