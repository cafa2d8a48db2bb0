"""Turns of transcripts."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from training.models.sessions import Session, readable_sessions
from training.transcript import INAUDIBLE_TEXT, SNAPSHOT_FIELDS, SpeakerRole, TurnSnapshot, TurnSource


class TranscriptTurnQuerySet(models.QuerySet["TranscriptTurn"]):
    def for_user(self, user: User) -> TranscriptTurnQuerySet:
        """Limit to the turns of sessions that `user` may read."""
        return self.filter(readable_sessions(user, "session__"))

    def by_caller(self) -> TranscriptTurnQuerySet:
        return self.filter(role=TranscriptTurn.Role.CALLER)


class TranscriptTurn(models.Model):
    """One utterance. The text as heard is what counts; the full generated text is stored separately."""

    class Role(models.TextChoices):
        CALLER = SpeakerRole.CALLER.value, _("Caller")
        COUNSELOR = SpeakerRole.COUNSELOR.value, _("Counselor")

    class Source(models.TextChoices):
        SPOKEN = TurnSource.SPOKEN.value, _("Spoken")
        TYPED = TurnSource.TYPED.value, _("Typed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", verbose_name=_("organization")
    )
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="turns", verbose_name=_("session"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    text_generated = models.TextField(_("text generated"), blank=True)
    text_heard = models.TextField(_("text heard"), blank=True)
    item = models.CharField(_("item"), max_length=100, help_text=_("Upstream ID of this turn."))
    after = models.CharField(
        _("after"), max_length=100, blank=True, help_text=_("Item that this turn follows. Empty for the first turn.")
    )
    epoch = models.PositiveIntegerField(_("epoch"), default=0)
    start_ms = models.PositiveIntegerField(
        _("start ms"), null=True, help_text=_("Milliseconds since the start of the recording.")
    )
    end_ms = models.PositiveIntegerField(_("end ms"), null=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    is_interrupted = models.BooleanField(_("interrupted"), default=False)
    is_final = models.BooleanField(_("final"), default=True)
    revision = models.PositiveIntegerField(_("revision"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = TranscriptTurnQuerySet.as_manager()

    class Meta:
        verbose_name = _("transcript turn")
        verbose_name_plural = _("transcript turns")
        ordering = ["session", "created_at"]
        constraints = [models.UniqueConstraint(fields=["session", "item"], name="item_once_per_session")]

    def __str__(self) -> str:
        return f"{self.role} turn {self.item}"

    @classmethod
    def from_snapshot(cls, turn: TurnSnapshot, epoch: int = 0) -> TranscriptTurn:
        """Return an unsaved row for a turn reported in `epoch`. Its session is not set yet."""
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
