"""ASGI application of the web server."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_asgi_application()

from config.middleware.body_limit import BodyLimitMiddleware  # noqa: E402  (after Django is set up)

application = BodyLimitMiddleware(_django, settings.BODY_LIMITS, settings.BODY_LIMIT)
