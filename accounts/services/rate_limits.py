"""Rate limits on everything that costs money or alerts people, for each person and each organization.

A limit is a number of uses in a sliding window, which moves in steps of a sixth of its length. A use therefore counts
for at least five sixths of the window and at most the whole window. The counts are rows, so the limits hold across
processes, without Redis, and after a restart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import ngettext

from accounts.models import UsageCount, User
from accounts.services.rate_limit_texts import CONVERSATION_TEXTS, ORGANIZATION_TEXTS, PERSON_TEXTS

DAY, HOUR, MINUTE = 86_400, 3600, 60  # seconds
STEPS = 6  # intervals of a window


class UsageKind(StrEnum):
    """Kinds of use that are limited. Each one leads to paid requests, to stored files, or to mail."""

    SESSIONS = "sessions"  # started, each with one greeting
    MESSAGES = "messages"  # in chats, repeated ones included
    GRADINGS = "gradings"  # requested by a person; the automatic one after a session is not counted
    DRAFTS = "drafts"
    UPLOADS = "uploads"
    TICKETS = "tickets"  # each one opens a connection to OpenAI
    REPORTS = "reports"  # critical ones alert supervisors
    INVITATIONS = "invitations"  # each one is an email to a new address


WINDOW_SECONDS = {
    UsageKind.SESSIONS: HOUR,
    UsageKind.MESSAGES: MINUTE,
    UsageKind.GRADINGS: HOUR,
    UsageKind.DRAFTS: HOUR,
    UsageKind.UPLOADS: HOUR,
    UsageKind.TICKETS: MINUTE,
    UsageKind.REPORTS: HOUR,
    UsageKind.INVITATIONS: DAY,
}
_WINDOW_NAMES = {DAY: "DAY", HOUR: "HOUR", MINUTE: "MINUTE"}


class RateLimitExceededError(Exception):
    """Request above a rate limit. `retry_after` is in seconds, at least 1. The message can be shown to users."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.retry_after = max(1, seconds)


@dataclass(frozen=True)
class _Allowance:
    """Number of uses that one subject has in a window."""

    subject: UUID
    limit: int
    text: Promise  # shown when it is used up


def spend(
    kind: UsageKind, by: User, *, conversation: UUID | None = None, now: datetime | None = None, uses: int = 1
) -> None:
    """Count uses by a person, in a conversation if given, and by their organization, either for all or for none.

    Raise RateLimitExceededError, and count nothing, if one of the limits is used up. Inside a transaction, the use
    counts only if the transaction commits, so a refused or failed action is free.
    """
    moment = timezone.now() if now is None else now
    with transaction.atomic():
        _Usage(kind, by.organization_id, moment).spend(_allowances(kind, by, conversation), uses)


def _allowances(kind: UsageKind, by: User, conversation: UUID | None) -> Sequence[_Allowance]:
    """Return the allowances in the order in which rows are locked: the organization's, which many wait for, is last."""
    name = f"{kind.upper()}_PER_{_WINDOW_NAMES[WINDOW_SECONDS[kind]]}"
    found = [_Allowance(by.pk, getattr(settings, name), PERSON_TEXTS[kind])]
    if conversation is not None:
        limit = getattr(settings, f"{name}_AND_CONVERSATION")
        found.insert(0, _Allowance(conversation, limit, CONVERSATION_TEXTS[kind]))
    organization_limit = getattr(settings, f"ORGANIZATION_{name}")
    return [*found, _Allowance(by.organization_id, organization_limit, ORGANIZATION_TEXTS[kind])]


class _Usage:
    """Uses of one kind in the window that ends now."""

    def __init__(self, kind: UsageKind, organization_id: UUID, now: datetime) -> None:
        self.kind = kind
        self.organization_id = organization_id
        self.now = now
        self.window = timedelta(seconds=WINDOW_SECONDS[kind])
        step = WINDOW_SECONDS[kind] // STEPS
        self.current = datetime.fromtimestamp(now.timestamp() // step * step, UTC)

    def spend(self, allowances: Sequence[_Allowance], uses: int) -> None:
        subjects = [allowance.subject for allowance in allowances]
        rows = UsageCount.objects.filter(subject__in=subjects, kind=self.kind)
        counts = list(rows.counted_since(self.now - self.window).order_by("counted_from"))
        counted_now = {row.subject for row in counts if row.counted_from == self.current}
        self._create_missing([subject for subject in subjects if subject not in counted_now])
        for allowance in allowances:
            earlier = [row for row in counts if row.subject == allowance.subject and row.counted_from < self.current]
            room = allowance.limit - sum(row.used for row in earlier)
            current = rows.filter(subject=allowance.subject, counted_from=self.current)
            # The conditional UPDATE is the lock: of two requests for the last use, only one changes the row.
            if not current.filter(used__lte=room - uses).update(used=F("used") + uses):
                raise self._refusal(allowance, [*earlier, current.get()], uses)

    def _create_missing(self, subjects: Sequence[UUID]) -> None:
        """Add the rows of a new interval. A concurrent request may add the same ones."""
        UsageCount.objects.bulk_create(
            [
                UsageCount(
                    organization_id=self.organization_id, subject=subject, kind=self.kind, counted_from=self.current
                )
                for subject in subjects
            ],
            ignore_conflicts=True,
        )

    def _refusal(self, allowance: _Allowance, counts: Sequence[UsageCount], uses: int) -> RateLimitExceededError:
        """Return the error, with the time until enough of the earliest uses no longer count."""
        excess = sum(row.used for row in counts) - allowance.limit + uses
        leaves_at = self.now + self.window
        for row in counts:
            excess -= row.used
            if excess <= 0:
                leaves_at = row.counted_from + self.window
                break
        wait = max(1, math.ceil((leaves_at - self.now).total_seconds()))
        return RateLimitExceededError(" ".join([str(allowance.text % {"limit": allowance.limit}), _when(wait)]), wait)


def _when(seconds: int) -> str:
    if seconds < 2 * MINUTE:
        return ngettext("Try again in %(count)s second.", "Try again in %(count)s seconds.", seconds) % {
            "count": seconds
        }
    if seconds >= 2 * HOUR:
        hours = math.ceil(seconds / HOUR)
        return ngettext("Try again in %(count)s hour.", "Try again in %(count)s hours.", hours) % {"count": hours}
    minutes = math.ceil(seconds / MINUTE)
    return ngettext("Try again in %(count)s minute.", "Try again in %(count)s minutes.", minutes) % {"count": minutes}


def delete_ended_counts(now: datetime | None = None) -> int:
    """Delete the counts of intervals that every window has left behind. Return the number of deleted rows."""
    moment = timezone.now() if now is None else now
    deleted = 0
    for kind, seconds in WINDOW_SECONDS.items():
        ended = UsageCount.objects.filter(kind=kind, counted_from__lt=moment - timedelta(seconds=2 * seconds))
        deleted += ended.delete()[0]
    return deleted
