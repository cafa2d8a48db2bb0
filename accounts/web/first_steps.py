"""Cookies that keep which first steps a person has done on this device."""

from django.conf import settings
from django.http import HttpResponseBase

# The call page sets it after it has heard the counselor. A new device needs a new check.
SOUND_CHECKED_COOKIE = "sound-checked"
GUIDE_READ_COOKIE = "guide-read"
YEAR = 365 * 24 * 3600  # seconds


def remember_step(response: HttpResponseBase, cookie: str) -> None:
    response.set_cookie(cookie, "1", max_age=YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")
