from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, LeasedModel, LeaseQuerySet, Organization, User
from training.models import Session, readable_sessions

OVERDUE_AFTER = timedelta(minutes=2)  # time after the session's end
# Fields with the retention period in days after the session's end. The first one that is not null applies. With 0 days,
# a recording is due for deletion as soon as its session ends. If all are null, it is kept indefinitely.
RETENTION_DAYS = ("session__scenario_version__account__recording_days", "session__organization__recording_days")


def recording_key(recording: Recording, filename: str) -> str:
    """Return the file's storage key, which holds ids only and no names."""
    return f"{recording.key_prefix}{filename}"


class RecordingQuerySet(LeaseQuerySet["Recording"]):
    def for_user(self, user: User) -> RecordingQuerySet:
        """Limit to the recordings that `user` may list: their own, and others' with permission."""
        return self.filter(readable_sessions(user, "session__", "recordings.view_recording"))

    def listenable_by(self, user: User) -> RecordingQuerySet:
        """Limit to the recordings that `user` may play on a page."""
        return self.filter(readable_sessions(user, "session__", "recordings.listen_recording"))

    def downloadable_by(self, user: User) -> RecordingQuerySet:
        """Limit to the recordings that `user` may download."""
        return self.filter(readable_sessions(user, "session__", "recordings.download_recording"))

    def finishable(self) -> RecordingQuerySet:
        """Limit to recordings of ended calls. Each epoch must be in the store, or on a host that counts as lost."""
        lost_before = timezone.now() - timedelta(seconds=settings.HOST_LOST_AFTER)
        shipping = RecordingEpoch.objects.filter(
            recording=OuterRef("pk"), sealed_at__isnull=True, seen_at__gte=lost_before
        )
        return self.exclude(session__status=Session.Status.ACTIVE).exclude(Exists(shipping))

    def with_leftover_segments(self) -> RecordingQuerySet:
        """Limit to finished recordings with all epochs sealed whose segments may not have been deleted yet."""
        missing = RecordingEpoch.objects.filter(recording=OuterRef("pk"), sealed_at__isnull=True)
        return self.filter(state__in=Recording.FINISHED, cleared_at__isnull=True).exclude(Exists(missing))

    def not_deleted(self) -> RecordingQuerySet:
        return self.exclude(state=Recording.State.DELETED)

    def past_retention(self, now: datetime) -> RecordingQuerySet:
        """Limit to recordings past the retention of their scenario's account or, without one, of their organization."""
        with_retention = self.deletable().annotate(days=Coalesce(*RETENTION_DAYS)).filter(days__isnull=False)
        # There are few distinct numbers of days, and one comparison for each works on both databases.
        due = Q(pk=None)
        for number in with_retention.order_by().values_list("days", flat=True).distinct():
            due |= Q(days=number, session__ended_at__lt=now - timedelta(days=number))
        return with_retention.filter(due)

    def deletable(self) -> RecordingQuerySet:
        """Limit to recordings of ended sessions that are neither deleted nor under a legal hold."""
        return self.not_deleted().filter(is_held=False).exclude(session__status=Session.Status.ACTIVE)

    def kept_by(self, owner: Organization | Account) -> RecordingQuerySet:
        """Limit to recordings whose retention is `owner`'s: an organization's own, or those of an account."""
        account = "session__scenario_version__account"
        if isinstance(owner, Account):
            return self.filter(**{account: owner})
        return self.filter(**{"session__organization": owner, f"{account}__recording_days": None})


class Recording(LeasedModel):
    """Audio of one session on one clock: counselor in the left channel, caller in the right."""

    class State(models.TextChoices):
        RECORDING = "recording", _("Recording")
        PROCESSING = "processing", _("Processing")
        COMPLETED = "completed", _("Completed")
        PARTIAL = "partial", _("Partial")
        ABSENT = "absent", _("Absent")
        FAILED = "failed", _("Failed")
        DELETED = "deleted", _("Deleted")

    FINISHED = (State.COMPLETED, State.PARTIAL, State.ABSENT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.OneToOneField(Session, on_delete=models.PROTECT, related_name="recording")
    state = models.CharField(_("status"), max_length=20, choices=State.choices, default=State.RECORDING)
    reason = models.CharField(
        _("reason"),
        max_length=200,
        blank=True,
        help_text=_("Why the recording is partial, absent, or failed."),
    )
    file = models.FileField(upload_to=recording_key, max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text=_("In bytes."))
    sha256 = models.CharField(max_length=64, blank=True)
    channels = models.PositiveSmallIntegerField(default=2)
    peaks = models.JSONField(default=list, help_text=_("Per channel, the loudest sample of each slice, from 0 to 1."))
    counselor_speech_ms = models.PositiveIntegerField(
        null=True, help_text=_("Time that the counselor’s channel was loud.")
    )
    caller_speech_ms = models.PositiveIntegerField(null=True)
    is_held = models.BooleanField(
        _("legal hold"),
        default=False,
        help_text=_("Keep this recording, even after its retention period ends."),
    )
    hold_reason = models.CharField(_("reason for the hold"), max_length=200, blank=True)
    cleared_at = models.DateTimeField(null=True, editable=False, help_text=_("When its segments were deleted."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")

    def __str__(self) -> str:
        return gettext("Recording of session %(session)s") % {"session": self.session_id}

    def clean(self) -> None:
        if self.is_held and not self.hold_reason:
            raise ValidationError({"hold_reason": _("Enter a reason for the legal hold.")})

    @property
    def reason_text(self) -> str:
        """The reason in the reader's language."""
        return gettext(self.reason)

    @property
    def is_playable(self) -> bool:
        return bool(self.file)

    @property
    def is_finished(self) -> bool:
        return self.state in self.FINISHED

    @property
    def is_under_way(self) -> bool:
        return self.state in {self.State.RECORDING, self.State.PROCESSING}

    @property
    def is_late(self) -> bool:
        """Return True if the file is overdue, so that the page can say so."""
        ended_at = self.session.ended_at
        return self.is_under_way and ended_at is not None and timezone.now() - ended_at > OVERDUE_AFTER

    @property
    def kept_until(self) -> datetime | None:
        """Time after which the sweep deletes it unless it is on hold. None during the call or if it is kept forever."""
        days = next((days for path in RETENTION_DAYS if (days := self._resolve(path)) is not None), None)
        ended_at = self.session.ended_at
        return ended_at + timedelta(days=days) if ended_at is not None and days is not None else None

    def _resolve(self, path: str) -> Any:
        """Return the value at a path of fields, such as `session__organization`, or None if a relation is empty."""
        value: Any = self
        for name in path.split("__"):
            value = getattr(value, name, None)
        return value

    @property
    def is_settled(self) -> bool:
        """Return True once no stored object except its file is still needed: it is deleted, or finished and cleared."""
        return self.state == self.State.DELETED or (self.is_finished and self.cleared_at is not None)

    @property
    def key_prefix(self) -> str:
        """Prefix of all storage keys of its file."""
        return f"recordings/{self.organization_id}/{self.session_id}/"

    @property
    def segment_prefix(self) -> str:
        """Prefix of all storage keys of the segments that gateways uploaded for it."""
        return f"spools/{self.organization_id}/{self.session_id}/"


class RecordingEpochQuerySet(models.QuerySet["RecordingEpoch"]):
    def for_keys(self, epochs: Iterable[tuple[uuid.UUID, int]]) -> RecordingEpochQuerySet:
        """Limit to the epochs with these pairs of session id and number."""
        numbers: dict[int, list[uuid.UUID]] = {}
        for session_id, number in epochs:
            numbers.setdefault(number, []).append(session_id)
        wanted = Q(pk=None)
        for number, session_ids in numbers.items():
            wanted |= Q(number=number, recording__session_id__in=session_ids)
        return self.filter(wanted)


class RecordingEpoch(models.Model):
    """Period in which one gateway held the call. Starts are wall-clock times, as monotonic clocks differ by host."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    # The gateway updates this repeatedly as long as the spool is on its disk.
    seen_at = models.DateTimeField(default=timezone.now)
    sealed_at = models.DateTimeField(null=True, help_text=_("When all of it was in the object store."))
    sizes = models.JSONField(
        default=list, help_text=_("Bytes of the journal, microphone, and caller files when it was sealed.")
    )

    objects = RecordingEpochQuerySet.as_manager()

    class Meta:
        ordering = ["recording", "number"]
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="epoch_once_per_recording")]

    def __str__(self) -> str:
        return f"Epoch {self.number} of {self.recording}"

    @property
    def spool_path(self) -> Path:
        return spool_folder(self.recording.session_id, self.number)

    @property
    def segment_prefix(self) -> str:
        return f"{self.recording.segment_prefix}{self.number}/"


def spool_folder(session_id: uuid.UUID, epoch: int) -> Path:
    return Path(settings.SPOOL_DIR) / str(session_id) / str(epoch)


class RecordingConsentQuerySet(models.QuerySet["RecordingConsent"]):
    def for_user(self, user: User) -> RecordingConsentQuerySet:
        """Limit to the consents to recordings that `user` may list."""
        return self.filter(readable_sessions(user, "session__", "recordings.view_recording"))


class RecordingConsent(models.Model):
    """Counselor's consent to be recorded, with the version of the text."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.OneToOneField(Session, on_delete=models.PROTECT, related_name="recording_consent")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text_version = models.CharField(
        max_length=20, blank=True, help_text=_("Empty if another program showed its own text.")
    )
    text_sha256 = models.CharField(max_length=64, blank=True)
    agreed_at = models.DateTimeField(auto_now_add=True)

    objects = RecordingConsentQuerySet.as_manager()

    class Meta:
        ordering = ["agreed_at"]

    def __str__(self) -> str:
        return f"Consent for session {self.session_id}"


class RecordingDeletionQuerySet(models.QuerySet["RecordingDeletion"]):
    def for_user(self, user: User) -> RecordingDeletionQuerySet:
        """Limit to the deletions of recordings that `user` may list."""
        return self.filter(readable_sessions(user, "recording__session__", "recordings.view_recording"))


class RecordingDeletion(models.Model):
    """Record of the deletion of a recording. Only copies that are found later are added to it."""

    class Reason(models.TextChoices):
        RETENTION = "retention", _("Retention period ended")
        REQUEST = "request", _("Deleted on request")

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    recording = models.OneToOneField(Recording, on_delete=models.PROTECT, related_name="deletion")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    deleted_at = models.DateTimeField(auto_now_add=True)
    # When the search for copies ended. It is repeated, because an upload that was already running may finish later.
    completed_at = models.DateTimeField(null=True)
    removed = models.JSONField(default=list, help_text=_("The deleted copies, each with what, key, and bytes."))

    objects = RecordingDeletionQuerySet.as_manager()

    class Meta:
        ordering = ["-deleted_at"]

    def __str__(self) -> str:
        return f"Deletion of {self.recording_id}"
