"""All settings, read from the environment. No default is meant for the demo, whose launcher exports its own values."""

import tomllib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

from celery.schedules import schedule
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, validate
from environs import ValidationError as InvalidSettingError
from kombu import Exchange, Queue

BASE_DIR = Path(__file__).resolve().parent.parent

# Collect all invalid settings, so that env.seal() below reports them together.
env = Env(eager=False)
_above_zero = validate.Range(min=0, min_inclusive=False, error="must be more than 0")


def _validate_origins(values: list[str]) -> None:
    for value in values:
        validate.Regexp(r"^https?://[^/\s]+$", error="must look like https://practice.example.org (no path)")(value)


# Version of this installation, reported by /health/. A deployment may set its own, such as a commit hash.
VERSION = env.str("VERSION", tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
# Celery queues in order of importance.
QUEUES = ("greetings", "sweeps", "grades", "imports", "webhooks", "mails")
_WORKER_PROCESSES = {"greetings": 4, "sweeps": 1, "grades": 6, "imports": 3, "webhooks": 4, "mails": 2}
_ORGANIZATION_LIMITS = {"greetings": 2, "sweeps": 1, "grades": 2, "imports": 1, "webhooks": 2, "mails": 1}


def _validate_queues(values: dict[str, int]) -> None:
    if unknown := values.keys() - set(QUEUES):
        raise InvalidSettingError(
            f"names unknown queues: {', '.join(sorted(unknown))}. Choose from {', '.join(QUEUES)}"
        )
    if any(number < 1 for number in values.values()):
        raise InvalidSettingError("must contain only numbers of 1 or more")


def _validate_ports(values: list[int]) -> None:
    if not values or not all(0 < port < 65_536 for port in values):
        raise InvalidSettingError("must be port numbers from 1 to 65535, separated by commas")


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=validate.Length(min=32, error="must have at least 32 characters"))
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", validate=validate.Length(min=1))
# Full origins of the web pages, e.g. https://practice.example.org. The call WebSocket accepts no others.
WEB_ORIGINS: list[str] = env.list("WEB_ORIGINS", validate=[validate.Length(min=1), _validate_origins])
# Identifies this installation in its database, object store, and OpenAI project, e.g. a UUID. Never change or reuse it.
INSTALLATION_ID = env.str(
    "INSTALLATION_ID",
    validate=validate.Regexp(r"^[A-Za-z0-9-]{8,64}\Z", error="must be 8 to 64 letters, digits, or hyphens"),
)
# Full origins of other sites whose scripts may call the API with a token. They never send a login's cookies.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ORIGINS", [], validate=_validate_origins)
GATEWAY_URL = env.str("GATEWAY_URL", validate=validate.Regexp(r"^wss?://", error="must begin with ws:// or wss://"))
DATABASE_URL = env.dj_db_url("DATABASE_URL")
# Connections to PostgreSQL that the requests, tasks, or calls of one process share.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10, validate=validate.Range(min=1))
DATABASE_POOL_TIMEOUT = env.float("DATABASE_POOL_TIMEOUT", 5.0, validate=_above_zero)  # s to wait for one of them
# Requests in progress in one web process, per person and per client address that is not logged in. Above these limits,
# the response is 429. Above the limit of the process, it is 503.
REQUESTS_PER_PERSON = env.int("REQUESTS_PER_PERSON", 20, validate=validate.Range(min=1))
REQUESTS_PER_ADDRESS = env.int("REQUESTS_PER_ADDRESS", 60, validate=validate.Range(min=1))
REQUESTS_PER_PROCESS = env.int("REQUESTS_PER_PROCESS", 200, validate=validate.Range(min=1))
# Requests of one person that run at the same time. For an address, twice as many run. The others wait their turn.
REQUESTS_AT_ONCE = env.int("REQUESTS_AT_ONCE", 2, validate=validate.Range(min=1))
# Requests that wait for a result (`Prefer: wait=N`). Above these limits, they are answered without waiting.
WAITS_PER_PERSON = env.int("WAITS_PER_PERSON", 10, validate=validate.Range(min=0))
WAITS_PER_PROCESS = env.int("WAITS_PER_PROCESS", 100, validate=validate.Range(min=0))
# Bodies larger than BODY_SMALL are read only from people and systems that may send them.
BODY_SMALL = env.int("BODY_SMALL", 64 * 1024, validate=validate.Range(min=1024))  # bytes
BODY_TIMEOUT = env.float("BODY_TIMEOUT", 15.0, validate=_above_zero)  # s for any body, plus its size at this rate:
BODY_MIN_RATE = env.int("BODY_MIN_RATE", 64 * 1024, validate=validate.Range(min=1))  # bytes per second
BODIES_PER_ADDRESS = env.int("BODIES_PER_ADDRESS", 100, validate=validate.Range(min=1))  # small ones being received
BODIES_PER_PROCESS = env.int("BODIES_PER_PROCESS", 1000, validate=validate.Range(min=1))  # small ones being received
LARGE_BODIES_PER_PERSON = env.int("LARGE_BODIES_PER_PERSON", 3, validate=validate.Range(min=1))  # being received
LARGE_BODIES_PER_PROCESS = env.int("LARGE_BODIES_PER_PROCESS", 20, validate=validate.Range(min=1))  # being received
REDIS_URL = env.str(
    "REDIS_URL", validate=validate.Regexp(r"^(rediss?|memory)://", error="must be redis://… or memory://")
)
STORAGE_URL = env.str(
    "STORAGE_URL", validate=validate.Regexp(r"^(file:.|s3://[^/?])", error="must be file:… or s3://…")
)
# Folder of recordings that have not been uploaded yet.
SPOOL_DIR = env.path("SPOOL_DIR", validate=validate.Predicate("is_absolute", error="must be an absolute path"))
# Folder on a memory file system in front of SPOOL_DIR. Empty: write straight to the disk.
SPOOL_BUFFER_DIR = env.str("SPOOL_BUFFER_DIR", "/dev/shm" if Path("/dev/shm").is_dir() else "")  # noqa: S108
EMAIL_URL = env.dj_email_url("EMAIL_URL")
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", "steadyline@localhost")  # sender of all mail
DEMO_NOTICE = env.str("DEMO_NOTICE", "")  # shown on every page of a demo
# Name or id of the organization that management commands use by default.
DEFAULT_ORGANIZATION = env.str("DEFAULT_ORGANIZATION", "")
# Time zone of organizations that have not chosen their own, e.g. America/New_York.
TIME_ZONE = env.str("TIME_ZONE", "UTC", validate=validate.OneOf(available_timezones(), error="is not a time zone"))
# Number of our proxies in front of the web server. Login rate limits use the client address that they forward.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0, validate=validate.Range(min=0))
# What browsers keep to where the pages are served over https. Without SSL_REDIRECT, the proxy must redirect.
SSL_REDIRECT = env.bool("SSL_REDIRECT", True)
HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", True)
HSTS_PRELOAD = env.bool("HSTS_PRELOAD", True)
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]))

OPENAI_API_KEY = env.str("OPENAI_API_KEY", validate=validate.Length(min=1, error="must not be empty"))
OPENAI_BASE_URL = env.str(
    "OPENAI_BASE_URL",
    "https://api.openai.com/v1",
    validate=validate.Regexp(r"^https?://", error="must begin with http:// or https://"),
)
REALTIME_MODEL = env.str("REALTIME_MODEL", "gpt-realtime-2.1")
REALTIME_VOICE = env.str("REALTIME_VOICE", "marin")
TRANSCRIBE_MODEL = env.str("TRANSCRIBE_MODEL", "gpt-transcribe")
CHAT_MODEL = env.str("CHAT_MODEL", "gpt-5.4-mini")
EVALUATOR_MODEL = env.str("EVALUATOR_MODEL", "gpt-5.6-sol")
EVALUATOR_MAX_OUTPUT_TOKENS = env.int("EVALUATOR_MAX_OUTPUT_TOKENS", 3000, validate=validate.Range(min=500))  # tokens
_temperature = env.str(
    "EVALUATOR_TEMPERATURE",
    "0.3",
    validate=validate.Regexp(r"(?i)^(?:off|[01](?:\.\d+)?|2(?:\.0+)?)$", error="must be off or a number from 0 to 2"),
)
EVALUATOR_TEMPERATURE = None if _temperature.lower() == "off" else float(_temperature)  # None: not sent
# Reviews of a criterion from which on its kappa is shown; the interval of fewer is too wide to act on.
AGREEMENT_MIN_REVIEWS = env.int("AGREEMENT_MIN_REVIEWS", 30, validate=validate.Range(min=1))
ANALYZER_MODEL = env.str("ANALYZER_MODEL", "gpt-5.4-mini")
GENERATOR_MODEL = env.str("GENERATOR_MODEL", "gpt-5.6-sol")
GENERATOR_MAX_OUTPUT_TOKENS = env.int("GENERATOR_MAX_OUTPUT_TOKENS", 4000, validate=validate.Range(min=500))  # tokens
GENERATOR_TIMEOUT = env.float("GENERATOR_TIMEOUT", 120.0, validate=validate.Range(min=1))  # seconds
EVALUATOR_TIMEOUT = env.float("EVALUATOR_TIMEOUT", 120.0, validate=validate.Range(min=1))  # seconds

# Deadlines, in seconds. Tests shorten them; a crisis center rarely needs to change them.
# Silence after which the caller speaks first.
CALLER_OPENS_AFTER = env.float("CALLER_OPENS_AFTER", 6.0, validate=_above_zero)
CALL_LIMIT = env.float("CALL_LIMIT", 60 * 60.0, validate=_above_zero)  # longest call
HEARTBEAT_EVERY = env.float("HEARTBEAT_EVERY", 3.0, validate=_above_zero)  # between heartbeats of a call
LINE_KEPT_FOR = env.float("LINE_KEPT_FOR", 60.0, validate=_above_zero)  # grace for a counselor to reconnect
TAKE_OVER_WAIT = env.float("TAKE_OVER_WAIT", 2.0, validate=_above_zero)  # wait for another page to release a call
# Time for calls to finish before a gateway stops.
DRAIN_FOR = env.float("DRAIN_FOR", 600.0, validate=validate.Range(min=0))
# Free bytes required on the gateway's disk per recorded call, including the new one: 15 minutes of both voices.
DISK_PER_CALL = env.int("DISK_PER_CALL", 90_000_000, validate=validate.Range(min=0))
CALLS_PER_PROCESS = env.int("CALLS_PER_PROCESS", 150, validate=validate.Range(min=1))  # calls at once
# Seconds in which a connection to the gateway must send its whole request.
HANDSHAKE_TIMEOUT = env.float("HANDSHAKE_TIMEOUT", 10.0, validate=_above_zero)
# Connections from one address that have not sent their whole request yet. Above this limit, the oldest is dropped.
HANDSHAKES_PER_ADDRESS = env.int("HANDSHAKES_PER_ADDRESS", 50, validate=validate.Range(min=1))
IDLE_WARN_AFTER = env.float("IDLE_WARN_AFTER", 120.0, validate=_above_zero)  # without speech from either side
IDLE_END_AFTER = env.float("IDLE_END_AFTER", 180.0, validate=_above_zero)  # without speech from either side
FRAMES_LOST_AFTER = env.float("FRAMES_LOST_AFTER", 20.0, validate=_above_zero)  # without a microphone frame
RESPONSE_LOST_AFTER = env.float("RESPONSE_LOST_AFTER", 10.0, validate=_above_zero)  # without output from OpenAI
UPSTREAM_ROLLOVER_AFTER = env.float("UPSTREAM_ROLLOVER_AFTER", 50 * 60.0, validate=_above_zero)  # age of a connection
HEARTBEAT_LOST_AFTER = env.float("HEARTBEAT_LOST_AFTER", 90.0, validate=_above_zero)  # until a call counts as dead
CHAT_IDLE_AFTER = env.float("CHAT_IDLE_AFTER", 12 * 3600.0, validate=_above_zero)  # until a chat is ended
TICKET_LIFETIME = env.float("TICKET_LIFETIME", 60.0, validate=_above_zero)  # of an unused call ticket
SWEEP_EVERY = env.float("SWEEP_EVERY", 20.0, validate=_above_zero)  # between sweeps for lost work
# Between sweeps for unused context files.
SWEEP_CONTEXTS_EVERY = env.float("SWEEP_CONTEXTS_EVERY", 86_400.0, validate=_above_zero)
# Between sweeps for rows whose task was lost. A row that waits for this long without a claim is queued again.
LOST_WORK_EVERY = env.float("LOST_WORK_EVERY", 5.0, validate=_above_zero)
# Claims of workers expire after this long without a heartbeat. A live worker sends several in that time.
GREETING_LOST_AFTER = env.float("GREETING_LOST_AFTER", 15.0, validate=_above_zero)
TASK_LOST_AFTER = env.float("TASK_LOST_AFTER", 15.0, validate=_above_zero)
SHIP_EVERY = env.float("SHIP_EVERY", 5.0, validate=_above_zero)  # between segments of a recording
HOST_LOST_AFTER = env.float("HOST_LOST_AFTER", 120.0, validate=_above_zero)  # until a gateway host is presumed dead
RECORDING_LOST_AFTER = env.float("RECORDING_LOST_AFTER", 20.0, validate=_above_zero)  # until a worker is presumed dead
# Between sweeps for unused recording objects.
SWEEP_ORPHANS_EVERY = env.float("SWEEP_ORPHANS_EVERY", 86_400.0, validate=_above_zero)
# Between deletions of expired recordings.
SWEEP_RETENTION_EVERY = env.float("SWEEP_RETENTION_EVERY", 3600.0, validate=_above_zero)
# Reapers of objects without an owner.
REAP_GRACE = env.float("REAP_GRACE", 86_400.0, validate=validate.Range(min=0))  # seconds from finding to removal
REAP_SHARE = env.float("REAP_SHARE", 2.0, validate=validate.Range(min=0, max=100))  # percent of known objects a day
REAP_AT_LEAST = env.int("REAP_AT_LEAST", 10, validate=validate.Range(min=0))  # objects a day, if the share is smaller
REAP_DRY_RUN = env.bool("REAP_DRY_RUN", False)  # only record what would be removed
IMPORT_LOST_AFTER = env.float("IMPORT_LOST_AFTER", 15.0, validate=_above_zero)  # until a worker is presumed dead
# Until an abandoned draft is discarded.
DRAFT_KEPT_FOR = env.float("DRAFT_KEPT_FOR", 14 * 86_400.0, validate=_above_zero)
# Rate limits on what costs money, per person and per organization. The defaults suit one with 300 counselors.
_at_least_one = validate.Range(min=1)
SESSIONS_PER_HOUR = env.int("SESSIONS_PER_HOUR", 30, validate=_at_least_one)  # started
ORGANIZATION_SESSIONS_PER_HOUR = env.int("ORGANIZATION_SESSIONS_PER_HOUR", 3000, validate=_at_least_one)
MESSAGES_PER_MINUTE = env.int("MESSAGES_PER_MINUTE", 30, validate=_at_least_one)  # in chats
ORGANIZATION_MESSAGES_PER_MINUTE = env.int("ORGANIZATION_MESSAGES_PER_MINUTE", 3000, validate=_at_least_one)
GRADINGS_PER_HOUR = env.int("GRADINGS_PER_HOUR", 60, validate=_at_least_one)  # requested by a person
GRADINGS_PER_HOUR_AND_CONVERSATION = env.int("GRADINGS_PER_HOUR_AND_CONVERSATION", 3, validate=_at_least_one)
ORGANIZATION_GRADINGS_PER_HOUR = env.int("ORGANIZATION_GRADINGS_PER_HOUR", 600, validate=_at_least_one)
DRAFTS_PER_HOUR = env.int("DRAFTS_PER_HOUR", 30, validate=_at_least_one)  # from complaints
ORGANIZATION_DRAFTS_PER_HOUR = env.int("ORGANIZATION_DRAFTS_PER_HOUR", 300, validate=_at_least_one)
UPLOADS_PER_HOUR = env.int("UPLOADS_PER_HOUR", 60, validate=_at_least_one)  # files
ORGANIZATION_UPLOADS_PER_HOUR = env.int("ORGANIZATION_UPLOADS_PER_HOUR", 3000, validate=_at_least_one)
TICKETS_PER_MINUTE = env.int("TICKETS_PER_MINUTE", 30, validate=_at_least_one)  # connections to calls
ORGANIZATION_TICKETS_PER_MINUTE = env.int("ORGANIZATION_TICKETS_PER_MINUTE", 3000, validate=_at_least_one)
REPORTS_PER_HOUR = env.int("REPORTS_PER_HOUR", 10, validate=_at_least_one)  # of problems
ORGANIZATION_REPORTS_PER_HOUR = env.int("ORGANIZATION_REPORTS_PER_HOUR", 600, validate=_at_least_one)
TYPED_TURNS_PER_MINUTE = env.int("TYPED_TURNS_PER_MINUTE", 20, validate=_at_least_one)  # in one call
# In one call, and in one turn. Ten times as many characters are allowed.
TYPED_WORDS_PER_MINUTE = env.int("TYPED_WORDS_PER_MINUTE", 300, validate=_at_least_one)
# Allow webhooks to private addresses and without https. Only for trying out webhooks.
WEBHOOKS_TO_PRIVATE = env.bool("WEBHOOKS_TO_PRIVATE", False)
DUE_SOON_DAYS = env.int("DUE_SOON_DAYS", 2, validate=validate.Range(min=0))  # days before the due date
NOTICES_AT_ONCE = env.int("NOTICES_AT_ONCE", 500, validate=validate.Range(min=1))  # mails per sweep
TASK_ATTEMPTS = env.int("TASK_ATTEMPTS", 3, validate=validate.Range(min=1))  # attempts before a task fails
# Seconds. Younger files at OpenAI may belong to a document whose row has not been written yet.
PROCEDURES_LEFT_AFTER = env.float("PROCEDURES_LEFT_AFTER", 3600.0, validate=_above_zero)
# Between sweeps for unused files at OpenAI.
SWEEP_PROCEDURES_EVERY = env.float("SWEEP_PROCEDURES_EVERY", 86_400.0, validate=_above_zero)
PROCEDURES_TIMEOUT = env.float("PROCEDURES_TIMEOUT", 180.0, validate=_above_zero)  # until indexing a document fails

# Processes of one worker for each queue. Queues that are left out keep their defaults.
WORKER_PROCESSES: dict[str, int] = env.dict(
    "WORKER_PROCESSES", dict(_WORKER_PROCESSES), subcast_values=int, validate=_validate_queues
)
# Rows of one organization and kind that workers process at once, by queue, so that a burst leaves room for others.
ORGANIZATION_LIMITS: dict[str, int] = env.dict(
    "ORGANIZATION_LIMITS", dict(_ORGANIZATION_LIMITS), subcast_values=int, validate=_validate_queues
)
# Failed logins allowed within LOGIN_ATTEMPTS_WINDOW, counted in the database.
LOGIN_ATTEMPTS_PER_ACCOUNT = env.int("LOGIN_ATTEMPTS_PER_ACCOUNT", 5, validate=validate.Range(min=1))
LOGIN_ATTEMPTS_PER_ADDRESS = env.int("LOGIN_ATTEMPTS_PER_ADDRESS", 50, validate=validate.Range(min=1))
LOGIN_ATTEMPTS_WINDOW = env.float("LOGIN_ATTEMPTS_WINDOW", 300.0, validate=_above_zero)  # seconds
# Ports that webhooks may use.
WEBHOOK_PORTS: list[int] = env.list("WEBHOOK_PORTS", [443], subcast=int, validate=_validate_ports)
WEBHOOK_TIMEOUT = env.float("WEBHOOK_TIMEOUT", 10.0, validate=_above_zero)  # seconds for a whole delivery
MAIL_TIMEOUT = env.float("MAIL_TIMEOUT", 20.0, validate=_above_zero)  # seconds for a connection to the mail server
STORAGE_TIMEOUT = env.float("STORAGE_TIMEOUT", 60.0, validate=_above_zero)  # seconds for a whole request to S3

# Seconds. Messages must be redelivered (VISIBILITY_TIMEOUT) only after the task's time limit. A row's claim expires
# much sooner, TASK_LOST_AFTER seconds after its worker's last heartbeat.
TASK_TIME_LIMIT, VISIBILITY_TIMEOUT = 330, 600

try:
    env.seal()
except EnvValidationError as error:
    invalid = dict(error.error_messages) if isinstance(error.error_messages, dict) else {"": error.error_messages}
    lines = "\n".join(f"  {name}: {' '.join(messages)}" for name, messages in sorted(invalid.items()))
    raise ImproperlyConfigured(f"These settings are missing or invalid:\n{lines}") from None

WORKER_PROCESSES = _WORKER_PROCESSES | WORKER_PROCESSES
ORGANIZATION_LIMITS = _ORGANIZATION_LIMITS | ORGANIZATION_LIMITS

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "corsheaders",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "accounts",
    "scenarios",
    "training",
    "recordings",
    "evaluation",
    "voicegateway",
]

MIDDLEWARE = [
    "config.middleware.connections.connection_release_middleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.static_files.StaticFilesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.time_zone.TimeZoneMiddleware",
    "config.middleware.unseen_text.UnseenTextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.unhandled_refusals.UnhandledRefusalMiddleware",
    "config.middleware.request_limits.known_people_middleware",
    "accounts.web.waiting.waiting_middleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context_processors.demo_notice",
            ],
        },
    },
]

if DATABASE_URL["ENGINE"].endswith("sqlite3"):
    # A deferred transaction that becomes a writer would fail at once, regardless of the timeout.
    DATABASE_URL["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif not DATABASE_URL["ENGINE"].endswith("postgresql"):
    raise ImproperlyConfigured("DATABASE_URL: must begin with sqlite: or postgresql:")
else:
    DATABASE_URL["OPTIONS"] = {
        **DATABASE_URL.get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": DATABASE_POOL_SIZE,
            "timeout": DATABASE_POOL_TIMEOUT,
            # Seconds. The pool doubles the delay between attempts to connect. Starting over after this time keeps it
            # short, so that a process recovers within seconds of its database.
            "reconnect_timeout": 5.0,
        },
    }
    DATABASE_URL["CONN_HEALTH_CHECKS"] = True  # replaces connections that the server has closed
DATABASE_URL["CONN_MAX_AGE"] = 0  # persistent connections leak under ASGI, and the pool keeps its own
DATABASES = {"default": DATABASE_URL}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL.startswith("memory:"):
    CHANNEL_LAYERS: dict[str, dict[str, object]] = {
        "default": {"BACKEND": "config.in_memory_channel_layer.ThreadSafeInMemoryChannelLayer"}
    }
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"polling_interval": 0.05}
else:
    CACHES = {"default": {"BACKEND": "config.cache.FailOpenRedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
    # The visibility timeout exceeds any task's hard limit. Frequent scans return a killed worker's task soon after it.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "socket_connect_timeout": 2,
        # Longer than the one second that a worker waits for a message. Without it, publishing to a broker that is
        # connected but silent would never end.
        "socket_timeout": 2.5,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # A worker with several queues takes from the first one that is not empty.
        "queue_order_strategy": "priority",
        # Publishing gives up after one attempt: the row exists, and a sweep queues it.
        "max_retries": 0,
    }

_storage = urlsplit(STORAGE_URL)
if _storage.scheme == "s3":
    _query = {name: values[-1] for name, values in parse_qs(_storage.query).items()}

    def _seconds(name: str, default: float) -> float:
        try:
            return float(_query.get(name, default))
        except ValueError:
            raise ImproperlyConfigured(f"STORAGE_URL: {name} must be a number of seconds") from None

    _default_storage: dict[str, object] = {
        "BACKEND": "config.storage.s3.PrivateS3Storage",
        "OPTIONS": {
            "bucket_name": _storage.netloc,
            "endpoint_url": _query.get("endpoint_url"),
            "region_name": _query.get("region_name"),
            # Seconds. With three attempts each, an upload to an unresponsive store fails after half a minute and is
            # retried later.
            "connect_timeout": _seconds("connect_timeout", 2.0),
            "read_timeout": _seconds("read_timeout", 10.0),
        },
    }
else:
    MEDIA_ROOT = Path(unquote(_storage.path) or ".").resolve()
    _default_storage = {"BACKEND": "config.storage.disk.PrivateFileStorage", "OPTIONS": {"location": MEDIA_ROOT}}
STORAGES = {
    "default": _default_storage,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "evaluation:dashboard"
ACCOUNT_ADAPTER = "accounts.adapter.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
# Failed logins are counted in the database (accounts/services/login_attempts.py), because the cache may be down.
ACCOUNT_RATE_LIMITS: dict[str, str | None] = {"login_failed": None}
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # seconds
ACCOUNT_FORMS = {"reset_password": "accounts.forms.PasswordResetRequestForm"}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = False  # `accounts.services.credentials` sends them, whatever code made the change

if "EMAIL_BACKEND" not in EMAIL_URL:
    raise ImproperlyConfigured("EMAIL_URL: must begin with smtp:, submission:, smtps:, console:, file: or memory:")
globals().update({name: value for name, value in EMAIL_URL.items() if name.startswith("EMAIL_")})
EMAIL_TIMEOUT = 10  # seconds for one reply from the mail server
if EMAIL_URL["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
    EMAIL_BACKEND = "accounts.integrations.email_backend.DeadlineEmailBackend"

_is_https = all(origin.startswith("https://") for origin in WEB_ORIGINS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = WEB_ORIGINS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _is_https else None
SECURE_HSTS_SECONDS = 31_536_000 if _is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS, SECURE_HSTS_PRELOAD = HSTS_INCLUDE_SUBDOMAINS, HSTS_PRELOAD
SECURE_SSL_REDIRECT = SSL_REDIRECT and _is_https
# `check --deploy` warns about what an operator has not decided. These three settings are decisions.
SILENCED_SYSTEM_CHECKS = [
    check
    for check, is_on in {
        "security.W005": HSTS_INCLUDE_SUBDOMAINS,
        "security.W008": SSL_REDIRECT,
        "security.W021": HSTS_PRELOAD,
    }.items()
    if not is_on
]
X_FRAME_OPTIONS = "DENY"
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "prefer", "range", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
]

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en-us", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# Serve files directly from the apps, without a collected copy that could be stale.
WHITENOISE_USE_FINDERS = True
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]

# Largest bodies that the ASGI middleware accepts, in bytes, by path prefix. `*` stands for an id.
BODY_LIMITS = {
    "/admin/scenarios/importjob/": 33 * 1024**2,
    "/accounts/": 21 * 1024**2,
    "/admin/": 21 * 1024**2,
    "/sessions/": 11 * 1024**2,
    "/api/sessions/*/documentation/": 11 * 1024**2,
    "/api/accounts/": 21 * 1024**2,
    "/api/scenarios/": 21 * 1024**2,
}
BODY_LIMIT = 1024**2  # bytes, for all other paths
# Permissions needed for bodies larger than BODY_SMALL, by path prefix. Elsewhere, anyone logged in may send them.
BODY_PERMISSIONS = {
    "/admin/scenarios/importjob/": "scenarios.add_importjob",
    "/admin/scenarios/": "scenarios.change_scenario",
    "/admin/": "accounts.view_account",
    "/accounts/": "accounts.change_account",
    "/api/accounts/": "accounts.change_account",
    "/api/scenarios/": "scenarios.change_scenario",
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one names the scheme in `WWW-Authenticate`. Without a scheme, DRF would answer 403 instead of 401.
        "accounts.integrations.service_tokens.ServiceTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.web.request_inputs.RequestInputCheck"],
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.api_exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Steadyline",
    "VERSION": "1",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.describe_errors",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Enums with equal field names or equal values need explicit names.
    "ENUM_NAME_OVERRIDES": {
        "SpeakerEnum": "scenarios.models.Opener",
        "ImportStatusEnum": "scenarios.models.ImportJob.Status",
        "ImportSourceEnum": "scenarios.models.ImportJob.ImportSource",
        "DraftStatusEnum": "scenarios.models.ScenarioDraft.Status",
        "SessionStatusEnum": "training.models.Session.Status",
        "AssignmentStatusEnum": "training.models.Assignment.Status",
        "EvaluationStatusEnum": "evaluation.models.Evaluation.Status",
        "ProceduresStatusEnum": "accounts.models.ProcedureDocument.Status",
        "SessionKindEnum": "training.models.Session.Kind",
        "FlagKindEnum": "evaluation.models.flag_kinds.FlagKind",
        "ReportKindEnum": "evaluation.models.flag_kinds.ProblemReportKind",
        "EventEnum": "accounts.models.WebhookEvent",
        "VerdictEnum": "evaluation.models.CriterionResult.Verdict",
    },
}

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

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.log_formatter.IdFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # httpx2 would log every request with its URL, which is more than operators want to read.
    "loggers": {"httpx2": {"level": "WARNING"}},
}
