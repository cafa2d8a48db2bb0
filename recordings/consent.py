"""Consent texts that counselors agree to before a recorded call. A changed text gets a new version."""

import hashlib

from django.utils.translation import gettext_noop

CONSENT_TEXTS = {
    "1": gettext_noop(
        "A recording holds your voice and the caller’s. You, and the supervisors, trainers and evaluators of your "
        "organization, can listen to it with your feedback. It is deleted after the time your organization has set; "
        "your supervisor can tell you more, or delete it earlier."
    ),
    "2": gettext_noop(
        "A recording holds your voice and the caller’s. You and your supervisors can listen to it and download it. "
        "Evaluators of your organization can listen to it with your feedback. It is deleted after the time your "
        "organization has set; your supervisor can tell you more, or delete it earlier."
    ),
}
CURRENT_VERSION = max(CONSENT_TEXTS, key=int)


def consent_digest(version: str) -> str:
    return hashlib.sha256(CONSENT_TEXTS[version].encode()).hexdigest()
