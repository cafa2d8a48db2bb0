"""ASGI application of the web server."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django: Any = get_asgi_application()

from accounts.web.response_policies import response_headers  # noqa: E402  (after Django is set up)
from config.health import HealthEndpoints  # noqa: E402  (after Django is set up)
from config.http_request import TolerantRequest  # noqa: E402
from config.middleware.body_admission import BodyAdmissionMiddleware, BodyRules  # noqa: E402
from config.middleware.body_limit import BodyLimitMiddleware  # noqa: E402
from config.middleware.cross_origin import PreflightMiddleware, cross_origin_headers  # noqa: E402
from config.middleware.refusal_pace import RefusalPace  # noqa: E402
from config.middleware.request_limits import KnownPeople, RequestLimitMiddleware, RequestLimits  # noqa: E402
from config.middleware.response_headers import ResponseHeadersMiddleware  # noqa: E402
from config.storage.static import require_current_static_files  # noqa: E402

_django.request_class = TolerantRequest

# A page makes dozens of queries, and after each one its thread waits for the others to let go of the interpreter. With
# Python's default of 5 ms, one busy thread makes such a page several times slower.
SWITCH_INTERVAL = 0.0005  # seconds


def build_application() -> ResponseHeadersMiddleware:
    """Wrap Django in the server's own middleware. A request counts toward the limits once its body has arrived."""
    limits = RequestLimits(
        per_person=settings.REQUESTS_PER_PERSON,
        per_address=settings.REQUESTS_PER_ADDRESS,
        at_once=settings.REQUESTS_AT_ONCE,
        per_process=settings.REQUESTS_PER_PROCESS,
        waits_per_person=settings.WAITS_PER_PERSON,
        waits_per_process=settings.WAITS_PER_PROCESS,
    )
    rules = BodyRules(
        small=settings.BODY_SMALL,
        timeout=settings.BODY_TIMEOUT,
        min_rate=settings.BODY_MIN_RATE,
        small_per_address=settings.BODIES_PER_ADDRESS,
        small_per_process=settings.BODIES_PER_PROCESS,
        large_per_person=settings.LARGE_BODIES_PER_PERSON,
        large_per_process=settings.LARGE_BODIES_PER_PROCESS,
        permissions=settings.BODY_PERMISSIONS,
    )
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    people, pace = KnownPeople(), RefusalPace()
    counted = RequestLimitMiddleware(_django, limits, proxies, settings.STATIC_URL, people, pace)
    admitted = BodyAdmissionMiddleware(counted, rules, proxies, people=people, pace=pace)
    limited = BodyLimitMiddleware(admitted, settings.BODY_LIMITS, settings.BODY_LIMIT)
    answering = PreflightMiddleware(HealthEndpoints(limited))
    return ResponseHeadersMiddleware(answering, response_headers(), cross_origin_headers)


require_current_static_files()
application = build_application()
sys.setswitchinterval(SWITCH_INTERVAL)
