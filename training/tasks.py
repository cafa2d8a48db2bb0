"""Celery tasks. Each takes ids and calls one service."""

from celery import Task, shared_task

from accounts.services.leases import organization_limit, queue_overdue, take_turn
from training.services import greetings, notifications, sessions


@shared_task(bind=True)
def prepare_greeting(self: Task, session_id: str) -> None:
    limit = organization_limit(self)
    take_turn(self, lambda: greetings.find_sessions_in_turn(limit), greetings.prepare_greeting)


@shared_task
def sweep_greetings() -> int:
    return queue_overdue(greetings.find_stalled_sessions(organization_limit(prepare_greeting)), prepare_greeting)


@shared_task
def sweep_sessions() -> None:
    sessions.sweep_sessions()


@shared_task
def sweep_notices() -> None:
    notifications.send_due_notifications()
