"""The words a counselor agrees to before a recorded call. A version is never changed: new words get a new one."""

import hashlib

TEXTS = {
    "1": "A recording holds your voice and the caller’s. You, and the supervisors, trainers and evaluators of your "
    "organization, can listen to it with your feedback. It is deleted after the time your organization has set; your "
    "supervisor can tell you more, or delete it earlier.",
}
CURRENT = max(TEXTS, key=int)


def digest_of(version: str) -> str:
    return hashlib.sha256(TEXTS[version].encode()).hexdigest()
