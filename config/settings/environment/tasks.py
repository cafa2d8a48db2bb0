"""Queues of tasks, the processes of workers, and the times of sweeps."""

from environs import ValidationError as InvalidSettingError

from config.settings.environment.parser import above_zero, at_least_one, env

# Celery queues in order of importance.
QUEUES = ("greetings", "sweeps", "grades", "imports", "webhooks", "mails")
_WORKER_PROCESSES = {"greetings": 4, "sweeps": 1, "grades": 6, "imports": 3, "webhooks": 4, "mails": 2}
_ORGANIZATION_LIMITS = {"greetings": 2, "sweeps": 1, "grades": 2, "imports": 1, "webhooks": 2, "mails": 1}


def validate_queues(values: dict[str, int]) -> None:
    if unknown := values.keys() - set(QUEUES):
        raise InvalidSettingError(
            f"names unknown queues: {', '.join(sorted(unknown))}. Choose from {', '.join(QUEUES)}"
        )
    if any(number < 1 for number in values.values()):
        raise InvalidSettingError("must contain only numbers of 1 or more")


# Processes of one worker for each queue. Queues that are left out keep their defaults.
WORKER_PROCESSES: dict[str, int] = _WORKER_PROCESSES | (
    env.dict("WORKER_PROCESSES", {}, subcast_values=int, validate=validate_queues) or {}
)
# Rows of one organization and kind that workers process at once, by queue, so that a burst leaves room for others.
ORGANIZATION_LIMITS: dict[str, int] = _ORGANIZATION_LIMITS | (
    env.dict("ORGANIZATION_LIMITS", {}, subcast_values=int, validate=validate_queues) or {}
)
TASK_ATTEMPTS = env.int("TASK_ATTEMPTS", 3, validate=at_least_one)  # attempts before a task fails
# Seconds. Messages must be redelivered (VISIBILITY_TIMEOUT) only after the task's time limit. A row's claim expires
# much sooner, TASK_LOST_AFTER seconds after its worker's last heartbeat.
TASK_TIME_LIMIT, VISIBILITY_TIMEOUT = 330, 600

SWEEP_EVERY = env.float("SWEEP_EVERY", 20.0, validate=above_zero)  # between sweeps for lost work
# Between sweeps for rows whose task was lost. A row that waits for this long without a claim is queued again.
LOST_WORK_EVERY = env.float("LOST_WORK_EVERY", 5.0, validate=above_zero)
# Claims of workers expire after this long without a heartbeat. A live worker sends several in that time.
GREETING_LOST_AFTER = env.float("GREETING_LOST_AFTER", 15.0, validate=above_zero)
TASK_LOST_AFTER = env.float("TASK_LOST_AFTER", 15.0, validate=above_zero)
HOST_LOST_AFTER = env.float("HOST_LOST_AFTER", 120.0, validate=above_zero)  # until a gateway host is presumed dead
RECORDING_LOST_AFTER = env.float("RECORDING_LOST_AFTER", 20.0, validate=above_zero)  # until a worker is presumed dead
IMPORT_LOST_AFTER = env.float("IMPORT_LOST_AFTER", 15.0, validate=above_zero)  # until a worker is presumed dead
# Until an abandoned draft is discarded.
DRAFT_KEPT_FOR = env.float("DRAFT_KEPT_FOR", 14 * 86_400.0, validate=above_zero)
# Between sweeps for unused context files.
SWEEP_CONTEXTS_EVERY = env.float("SWEEP_CONTEXTS_EVERY", 86_400.0, validate=above_zero)
# Between sweeps for unused recording objects.
SWEEP_ORPHANS_EVERY = env.float("SWEEP_ORPHANS_EVERY", 86_400.0, validate=above_zero)
# Between deletions of expired recordings.
SWEEP_RETENTION_EVERY = env.float("SWEEP_RETENTION_EVERY", 3600.0, validate=above_zero)
# Between sweeps for unused files at OpenAI.
SWEEP_PROCEDURES_EVERY = env.float("SWEEP_PROCEDURES_EVERY", 86_400.0, validate=above_zero)
