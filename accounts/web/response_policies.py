"""Policies for browsers in the headers of responses: strict ones for all, and looser ones for single views."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse

CONTENT_POLICY = "Content-Security-Policy"
FEATURE_POLICY = "Permissions-Policy"
_CONTENT_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
# Browsers warn about names that they do not know, so these are the ones of Chromium, Firefox, and Safari.
_FEATURES = (
    "accelerometer",
    "camera",
    "display-capture",
    "encrypted-media",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)


def build_content_policy(**extra_sources: str) -> str:
    """Return the policy with extra sources by directive, such as `connect_src="wss://calls.example.org"`."""
    extra = {name.replace("_", "-"): source for name, source in extra_sources.items()}
    return "; ".join(f"{name} {sources} {extra.get(name, '')}".rstrip() for name, sources in _CONTENT_SOURCES.items())


def build_feature_policy(*allowed: str) -> str:
    """Return the policy that allows these features to the site's own pages, and all others to nobody."""
    return ", ".join(f"{name}=({'self' if name in allowed else ''})" for name in _FEATURES)


def response_headers() -> dict[str, str]:
    """Return the headers of every response, unless its view has set its own."""
    headers = {
        CONTENT_POLICY: build_content_policy(),
        FEATURE_POLICY: build_feature_policy(),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Almost everything is personal. What may be kept, such as a script, says so itself.
        "Cache-Control": "no-store",
    }
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = "; ".join(
            [f"max-age={settings.SECURE_HSTS_SECONDS}"]
            + ["includeSubDomains"] * settings.SECURE_HSTS_INCLUDE_SUBDOMAINS
            + ["preload"] * settings.SECURE_HSTS_PRELOAD
        )
    return headers


def allow_calls(response: HttpResponse) -> HttpResponse:
    """Let a page use the microphone and connect to the voice gateway."""
    gateway = urlsplit(settings.GATEWAY_URL)
    response[CONTENT_POLICY] = build_content_policy(connect_src=f"{gateway.scheme}://{gateway.netloc}")
    response[FEATURE_POLICY] = build_feature_policy("microphone")
    return response
