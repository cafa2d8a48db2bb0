"""Changes to the retention of recordings. Those that delete recordings must be confirmed."""

from django.conf import settings
from django.utils.translation import ngettext

from accounts.models import Account, Organization
from accounts.signals import retention_changing


class RecordingsAtRiskError(Exception):
    """Unconfirmed change that would delete recordings. The message says how many."""

    def __init__(self, count: int) -> None:
        self.count = count  # recordings that the next sweep would delete
        message = ngettext(
            "Within %(wait)s, this deletes %(count)s recording that would otherwise be kept. No one can restore it.",
            "Within %(wait)s, this deletes %(count)s recordings that would otherwise be kept. No one can restore them.",
            count,
        )
        super().__init__(message % {"count": f"{count:,}", "wait": _describe_wait()})


def check_retention(owner: Organization | Account, days: int | None, confirmed: int = 0) -> None:
    """Raise RecordingsAtRiskError if `days` would delete more recordings than the `confirmed` number.

    Call this before saving `recording_days`. Recordings under a legal hold are never deleted, so they are not counted.
    """
    responses = retention_changing.send(sender=type(owner), owner=owner, days=days)
    count = sum(int(found) for _receiver, found in responses if found)
    if count > confirmed:
        raise RecordingsAtRiskError(count)


def _describe_wait() -> str:
    """Return the longest time until the deletion: two sweeps and the grace period between them."""
    minutes = max(1, round((2 * settings.SWEEP_RETENTION_EVERY + settings.REAP_GRACE) / 60))
    hours = round(minutes / 60)
    if minutes < 60:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
