"""Apps, middleware, templates, languages, static files, and logging."""

from config.settings.environment import BASE_DIR, DEBUG, LOG_LEVEL

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "config.storage.static.ProductStaticFilesConfig",
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
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.offline_copies.OfflineCopiesMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.time_zone.TimeZoneMiddleware",
    "config.middleware.unseen_text.UnseenTextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.middleware.landing.LandingMiddleware",
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
                "config.context_processors.theme",
                "config.context_processors.features",
            ],
            "builtins": ["config.template_tags"],
        },
    },
]
FORM_RENDERER = "accounts.web.forms.PlainLabelsRenderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en-us", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
# In development, files are served from the apps. Otherwise, from the collected copy, whose names contain hashes.
WHITENOISE_USE_FINDERS = DEBUG
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.log_formatter.IdFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # httpx2 would log every request with its URL, which is more than operators want to read.
    "loggers": {"httpx2": {"level": "WARNING"}},
}
