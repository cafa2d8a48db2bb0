"""Celery: queues, routes of tasks, and the schedule."""

from celery.schedules import schedule
from kombu import Exchange, Queue

from config.settings.environment import (
    LOST_WORK_EVERY,
    QUEUES,
    REDIS_URL,
    SWEEP_CONTEXTS_EVERY,
    SWEEP_EVERY,
    SWEEP_ORPHANS_EVERY,
    SWEEP_PROCEDURES_EVERY,
    SWEEP_RETENTION_EVERY,
    TASK_TIME_LIMIT,
)

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = TASK_TIME_LIMIT - 30
CELERY_TASK_TIME_LIMIT = TASK_TIME_LIMIT
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Each queue has its own routing key. Queues that share Celery's default key would all receive every task.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in QUEUES]
# Unknown tasks must fail, not wait in a queue that no worker reads.
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "imports"
_TASKS_BY_QUEUE = {
    "greetings": ["training.tasks.prepare_greeting"],
    # Short sweeps of the database, which queue the work that they find.
    "sweeps": [
        "training.tasks.sweep_sessions",
        "training.tasks.sweep_greetings",
        "evaluation.tasks.sweep_evaluations",
        "evaluation.tasks.sweep_documentation",
        "recordings.tasks.sweep_lost_recordings",
        "scenarios.tasks.sweep_imports",
        "scenarios.tasks.sweep_drafts",
        "accounts.tasks.sweep_procedures",
        "accounts.tasks.sweep_deliveries",
        "accounts.tasks.delete_expired_records",
    ],
    # Requests to a model that a person waits for.
    "grades": [
        "evaluation.tasks.grade_session",
        "evaluation.tasks.review_documentation",
        "scenarios.tasks.write_draft",
    ],
    # Files and stores.
    "imports": [
        "scenarios.tasks.write_import",
        "scenarios.tasks.sweep_contexts",
        "accounts.tasks.prepare_procedures",
        "accounts.tasks.reconcile_procedures",
        "recordings.tasks.finish_recording",
        "recordings.tasks.sweep_recordings",
        "recordings.tasks.sweep_retention",
        "recordings.tasks.sweep_orphans",
    ],
    "webhooks": ["accounts.tasks.deliver_webhook"],
    "mails": [
        "accounts.tasks.send_account_notice",
        "accounts.tasks.send_invitation",
        "accounts.tasks.sweep_invitations",
        "training.tasks.sweep_notices",
        "evaluation.tasks.sweep_notices",
        "evaluation.tasks.alert_supervisors",
        "evaluation.tasks.alert_of_report",
    ],
}
CELERY_TASK_ROUTES = {task: {"queue": queue} for queue, tasks in _TASKS_BY_QUEUE.items() for task in tasks}
# Remembers runs in the database. With Celery's own scheduler, a daily run would wait a whole day after each restart.
CELERY_BEAT_SCHEDULER = "config.beat:DatabaseScheduler"


def _every(seconds: float, tasks: dict[str, str]) -> dict[str, dict[str, object]]:
    """Return schedule entries. A message expires if no worker has taken it by the time of the next one."""
    return {
        name: {"task": task, "schedule": schedule(seconds), "options": {"expires": seconds}}
        for name, task in tasks.items()
    }


CELERY_BEAT_SCHEDULE = {
    **_every(
        LOST_WORK_EVERY,
        {
            "lost greetings": "training.tasks.sweep_greetings",
            "webhooks to be sent": "accounts.tasks.sweep_deliveries",
            "lost evaluations": "evaluation.tasks.sweep_evaluations",
            "lost documentation": "evaluation.tasks.sweep_documentation",
            "lost procedure uploads": "accounts.tasks.sweep_procedures",
            "lost recordings": "recordings.tasks.sweep_lost_recordings",
            "lost imports": "scenarios.tasks.sweep_imports",
            "lost drafts": "scenarios.tasks.sweep_drafts",
        },
    ),
    **_every(
        SWEEP_EVERY,
        {
            "silent sessions": "training.tasks.sweep_sessions",
            "unsent invitations": "accounts.tasks.sweep_invitations",
            "assignment notices": "training.tasks.sweep_notices",
            "feedback notices": "evaluation.tasks.sweep_notices",
            "recordings to finish": "recordings.tasks.sweep_recordings",
        },
    ),
    **_every(SWEEP_CONTEXTS_EVERY, {"leftover evaluator contexts": "scenarios.tasks.sweep_contexts"}),
    **_every(3600.0, {"expired idempotent calls and old deliveries": "accounts.tasks.delete_expired_records"}),
    **_every(SWEEP_PROCEDURES_EVERY, {"leftover procedures at OpenAI": "accounts.tasks.reconcile_procedures"}),
    **_every(SWEEP_ORPHANS_EVERY, {"leftover objects of recordings": "recordings.tasks.sweep_orphans"}),
    **_every(SWEEP_RETENTION_EVERY, {"expired recordings": "recordings.tasks.sweep_retention"}),
}
