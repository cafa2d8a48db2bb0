"""Cookies, https, and policies for browsers."""

from config.settings.environment import HSTS_INCLUDE_SUBDOMAINS, HSTS_PRELOAD, SSL_REDIRECT, WEB_ORIGINS

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
