"""Turns of transcripts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models

from accounts.models import Organization
from training.models.sessions import Session
from training.transcript import INAUDIBLE_TEXT, SNAPSHOT_FIELDS, SpeakerRole, TurnSnapshot, TurnSource


class TranscriptTurnQuerySet(models.QuerySet["TranscriptTurn"]):
    def by_caller(self) -> TranscriptTurnQuerySet:
        return self.filter(role=TranscriptTurn.Role.CALLER)


class TranscriptTurn(models.Model):
    """One utterance. The text as heard counts; text that was generated but never heard is kept beside it."""

    class Role(models.TextChoices):
        CALLER = SpeakerRole.CALLER.value
        COUNSELOR = SpeakerRole.COUNSELOR.value

    class Source(models.TextChoices):
        SPOKEN = TurnSource.SPOKEN.value
        TYPED = TurnSource.TYPED.value

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="turns")
    role = models.CharField(max_length=10, choices=Role.choices)
    text_generated = models.TextField(blank=True)
    text_heard = models.TextField(blank=True)
    item = models.CharField(max_length=100, help_text="the upstream's id of this utterance")
    after = models.CharField(max_length=100, blank=True, help_text="the item this turn follows; empty for the first")
    epoch = models.PositiveIntegerField(default=0)
    start_ms = models.PositiveIntegerField(null=True, help_text="on the recording's clock")
    end_ms = models.PositiveIntegerField(null=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    is_interrupted = models.BooleanField("interrupted", default=False)
    is_final = models.BooleanField("final", default=True)
    revision = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TranscriptTurnQuerySet.as_manager()

    class Meta:
        ordering = ["session", "created_at"]
        constraints = [models.UniqueConstraint(fields=["session", "item"], name="item_once_per_session")]

    def __str__(self) -> str:
        return f"{self.role} turn {self.item}"

    @classmethod
    def from_snapshot(cls, turn: TurnSnapshot, epoch: int = 0) -> TranscriptTurn:
        """Return an unsaved row of a turn, as reported in `epoch`. Its session is not set yet."""
        values = {name: getattr(turn, name) for name in SNAPSHOT_FIELDS}
        return cls(**values | {"after": turn.after or ""}, epoch=epoch)

    def to_snapshot(self) -> TurnSnapshot:
        values = {name: getattr(self, name) for name in SNAPSHOT_FIELDS}
        typed = {"after": self.after or None, "role": SpeakerRole(self.role), "source": TurnSource(self.source)}
        return TurnSnapshot(**values | typed)

    @property
    def is_by_counselor(self) -> bool:
        return self.role == self.Role.COUNSELOR


def heard_turns(turns: Iterable[TranscriptTurn]) -> list[TranscriptTurn]:
    """Return the turns whose words were heard or read, in the given order."""
    return [turn for turn in turns if turn.text_heard.strip() not in {"", INAUDIBLE_TEXT}]
