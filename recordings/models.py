from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models

from accounts.models import Organization, User
from training.models import Session


def recording_key(recording: Recording, filename: str) -> str:
    """A new key for every writing, without names."""
    return f"recordings/{recording.organization_id}/{recording.session_id}/{uuid.uuid4()}.wav"


class RecordingQuerySet(models.QuerySet["Recording"]):
    def for_user(self, user: User) -> RecordingQuerySet:
        """A counselor's own recordings, everyone else's organization."""
        rows = self.filter(organization_id=user.organization_id)
        return rows.filter(session__counselor_id=user.pk) if user.is_counselor else rows

    def unfinished(self) -> RecordingQuerySet:
        """Recordings of calls that are over and not yet a file."""
        waiting = [Recording.State.RECORDING, Recording.State.PROCESSING]
        return self.filter(state__in=waiting).exclude(session__status=Session.Status.ACTIVE)


class Recording(models.Model):
    """The audio of one session: counselor left, caller right, on one clock."""

    class State(models.TextChoices):
        RECORDING = "recording"
        PROCESSING = "processing"
        COMPLETED = "completed"
        PARTIAL = "partial"
        ABSENT = "absent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.OneToOneField(Session, on_delete=models.PROTECT, related_name="recording")
    state = models.CharField(max_length=20, choices=State.choices, default=State.RECORDING)
    reason = models.CharField(max_length=200, blank=True, help_text="why it is partial, absent or failed")
    file = models.FileField(upload_to=recording_key, max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)
    size = models.PositiveBigIntegerField(null=True, help_text="bytes")
    sha256 = models.CharField(max_length=64, blank=True)
    channels = models.PositiveSmallIntegerField(default=2)
    peaks = models.JSONField(default=list, help_text="per channel, the loudest sample of each slice, 0 to 1")
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Recording of session {self.session_id}"

    @property
    def is_playable(self) -> bool:
        return bool(self.file)


class RecordingEpoch(models.Model):
    """One gateway's hold of the call. The monotonic clock does not cross hosts, so its start is on the wall clock."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="epochs")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()

    class Meta:
        ordering = ["recording", "number"]
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="epoch_once_per_recording")]

    def __str__(self) -> str:
        return f"Epoch {self.number} of {self.recording}"

    @property
    def spool(self) -> Path:
        return spool_folder(self.recording.session_id, self.number)


def spool_folder(session_id: uuid.UUID, epoch: int) -> Path:
    return Path(settings.SPOOL_DIR) / str(session_id) / str(epoch)
