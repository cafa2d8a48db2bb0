"""Database, broker, object store, and disk."""

from pathlib import Path

from environs import validate

from config.settings.environment.installation import BASE_DIR
from config.settings.environment.parser import above_zero, at_least_one, env, not_negative

DATABASE_URL = env.dj_db_url("DATABASE_URL")
# Connections to PostgreSQL that the requests, tasks, or calls of one process share.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10, validate=at_least_one)
DATABASE_POOL_TIMEOUT = env.float("DATABASE_POOL_TIMEOUT", 5.0, validate=above_zero)  # s to wait for one of them
REDIS_URL = env.str(
    "REDIS_URL", validate=validate.Regexp(r"^(rediss?|memory)://", error="must be redis://… or memory://")
)
STORAGE_URL = env.str(
    "STORAGE_URL", validate=validate.Regexp(r"^(file:.|s3://[^/?])", error="must be file:… or s3://…")
)
STORAGE_TIMEOUT = env.float("STORAGE_TIMEOUT", 60.0, validate=above_zero)  # seconds for a whole request to S3
# Folder of recordings that have not been uploaded yet.
SPOOL_DIR = env.path("SPOOL_DIR", validate=validate.Predicate("is_absolute", error="must be an absolute path"))
# Folder on a memory file system in front of SPOOL_DIR. Empty: write straight to the disk.
SPOOL_BUFFER_DIR = env.str("SPOOL_BUFFER_DIR", "/dev/shm" if Path("/dev/shm").is_dir() else "")  # noqa: S108
# Folder of the collected static files. It belongs to this version of the code, not to the data.
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / "var" / "static")
# Free bytes required on the gateway's disk per recorded call, including the new one: 15 minutes of both voices.
DISK_PER_CALL = env.int("DISK_PER_CALL", 90_000_000, validate=not_negative)

# Reapers of objects without an owner.
REAP_GRACE = env.float("REAP_GRACE", 86_400.0, validate=not_negative)  # seconds from finding to removal
REAP_SHARE = env.float("REAP_SHARE", 2.0, validate=validate.Range(min=0, max=100))  # percent of known objects a day
REAP_AT_LEAST = env.int("REAP_AT_LEAST", 10, validate=not_negative)  # objects a day, if the share is smaller
REAP_DRY_RUN = env.bool("REAP_DRY_RUN", False)  # only record what would be removed
