"""Celery tasks. Each takes ids and calls one service."""

from uuid import UUID

from celery import shared_task

from accounts.services.leases import queue_overdue
from training.services import greetings, notifications, sessions


@shared_task
def prepare_greeting(session_id: str) -> None:
    greetings.prepare_greeting(UUID(session_id))


@shared_task
def sweep_greetings() -> int:
    return queue_overdue(greetings.find_stalled_sessions(), prepare_greeting)


@shared_task
def sweep_sessions() -> None:
    sessions.sweep_sessions()


@shared_task
def sweep_notices() -> None:
    notifications.send_due_notifications()
