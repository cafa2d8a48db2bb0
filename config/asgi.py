import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_asgi_application()

from config.body_limit import BodyLimit  # noqa: E402  (after Django is set up)

application = BodyLimit(_django, settings.BODY_LIMITS, settings.BODY_LIMIT)
