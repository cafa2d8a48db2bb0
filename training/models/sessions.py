"""Practice sessions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from accounts.models.leases import order_by_turn
from scenarios.models import Mode, Opener, Patience, Scenario, ScenarioVersion, ScenarioWorkingCopy
from training.models.assignments import Assignment
from training.models.end_reasons import EndReason
from training.transcript import in_spoken_order

if TYPE_CHECKING:
    from training.models.turns import TranscriptTurn


# Statuses of `evaluation.Evaluation` with a grade. That app is in a higher layer, so it cannot be imported here.
GRADED_STATUSES = ("completed", "held")


# A warm-up is a trial of no scenario, with a friendly caller. Trials of drafts always have a scenario's version.
IS_WARM_UP = Q(kind="trial", scenario_version=None)


def readable_sessions(user: User, path: str = "", permission: str = "") -> Q:
    """Return the condition for rows whose session `user` may read: their own, and others' if their role allows it.

    `path` is the lookup from the row to its session, such as `session__`. For other people's rows, the user also needs
    `permission`, if given. A trial is private to the person who runs it.
    """
    if not user.is_active:
        return Q(pk__in=[])
    own = Q(**{f"{path}organization_id": user.organization_id, f"{path}counselor_id": user.pk})
    others = Q(**{f"{path}organization_id": user.organization_id}) & ~Q(**{f"{path}kind": Session.Kind.TRIAL})
    if permission and not user.has_perm(permission):
        return own
    if user.has_perm("training.view_session"):
        is_live = Q(**{f"{path}status": Session.Status.ACTIVE})
        return own | (others if user.has_perm("training.follow_session") else others & ~is_live)
    if user.has_perm("training.review_session"):
        graded = Session.objects.exclude(status=Session.Status.ACTIVE).filter(
            pk=OuterRef(f"{path}pk"), evaluations__status__in=GRADED_STATUSES
        )
        return own | (others & Q(Exists(graded)))
    return own


class SessionQuerySet(models.QuerySet["Session"]):
    def for_user(self, user: User) -> SessionQuerySet:
        """Limit to the sessions that `user` may read."""
        return self.filter(readable_sessions(user))

    def exportable_by(self, user: User) -> SessionQuerySet:
        """Limit to the sessions whose transcript `user` may export as a file."""
        return self.filter(readable_sessions(user, permission="training.export_session"))

    def for_counselor(self, user: User) -> SessionQuerySet:
        """Limit to the user's own sessions: only the counselor of a session may speak, write, or hang up."""
        return self.filter(counselor_id=user.pk, organization_id=user.organization_id)

    def endable_by(self, user: User) -> SessionQuerySet:
        """Limit to the user's own sessions and to other people's that the user may end."""
        return self.filter(readable_sessions(user, permission="training.end_session"))

    def live(self) -> SessionQuerySet:
        return self.filter(status=Session.Status.ACTIVE)

    def locked(self) -> SessionQuerySet:
        """Lock the rows in primary-key order, so that transactions over several sessions never deadlock."""
        return self.order_by("pk").select_for_update(no_key=True)

    def without_trials(self) -> SessionQuerySet:
        """Exclude trials, which count toward nothing. Use this for statistics and for other people's sessions."""
        return self.exclude(kind=Session.Kind.TRIAL)

    def without_warm_ups(self) -> SessionQuerySet:
        """Exclude warm-up calls, which no list shows."""
        return self.exclude(IS_WARM_UP)

    def warm_ups_of(self, user: User) -> SessionQuerySet:
        return self.for_counselor(user).filter(IS_WARM_UP)

    def matching_for(self, user: User, text: str) -> SessionQuerySet:
        """Limit to sessions whose title or counselor matches the text.

        The user's own sessions also match by name, focus, and every word of the transcript. Start from sessions that
        the user may read.
        """
        titled = ScenarioVersion.objects.filter(organization_id=user.organization_id, title__icontains=text)
        found = Q(scenario_version__in=titled)
        if user.reads_others_sessions:
            people = User.objects.filter(organization_id=user.organization_id)
            matching = people.matching(text, with_email=user.has_perm("accounts.view_user"))
            return self.filter(found | Q(counselor__in=matching))
        in_transcript = Session.objects.for_counselor(user).filter(turns__text_heard__icontains=text)
        in_own_texts = Q(name__icontains=text) | Q(focus__icontains=text) | Q(pk__in=in_transcript.values("pk"))
        return self.filter(found | in_own_texts)

    def stopped(self) -> SessionQuerySet:
        return self.filter(end_reason=EndReason.STOPPED)

    def trials_of(self, source: Scenario | ScenarioWorkingCopy, mode: str) -> SessionQuerySet:
        trials = self.filter(kind=Session.Kind.TRIAL, mode=mode)
        if isinstance(source, Scenario):
            return trials.filter(scenario=source)
        return trials.filter(scenario_version__working_copy_id=source.pk)

    def without_heartbeat_since(
        self, calls_before: datetime, lines_before: datetime, chats_before: datetime
    ) -> SessionQuerySet:
        """Limit to live sessions without a recent heartbeat, which the sweep ends.

        `calls_before` applies to all calls, `lines_before` to calls that their socket has released, `chats_before` to
        chats.
        """
        is_free = Q(is_held=False, epoch__gt=0)
        return self.live().filter(
            Q(mode=Mode.PHONE, heartbeat_at__lt=calls_before)
            | Q(is_free, mode=Mode.PHONE, heartbeat_at__lt=lines_before)
            | Q(mode=Mode.CHAT, heartbeat_at__lt=chats_before)
        )

    def waiting_for_greeting(self, lost_before: datetime) -> SessionQuerySet:
        """Limit to live sessions whose greeting no worker is preparing. Claims from before `lost_before` are lost."""
        pending = self.live().filter(greeting_status=Session.Greeting.PENDING)
        return pending.filter(Q(greeting_attempts=0) | Q(greeting_touched_at__lt=lost_before))

    def in_greeting_turn(self, limit: int, lost_before: datetime) -> SessionQuerySet:
        """Order the rows so that organizations take turns, each with up to `limit` greetings being prepared."""
        pending = Session.objects.live().filter(greeting_status=Session.Greeting.PENDING, greeting_attempts__gt=0)
        claimed = pending.filter(greeting_touched_at__gte=lost_before)
        return order_by_turn(self, claimed, limit, since="greeting_touched_at")


class Session(models.Model):
    """One practice conversation of one counselor."""

    class Kind(models.TextChoices):
        ASSIGNMENT = "assignment", _("Assignment")
        FREE_PRACTICE = "free_practice", _("Free practice")
        TRIAL = "trial", _("Trial")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        COMPLETED = "completed", _("Completed")
        ABANDONED = "abandoned", _("Abandoned")
        FAILED = "failed", _("Failed")

    class Greeting(models.TextChoices):
        PENDING = "pending", _("Pending")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    class Feeling(models.IntegerChoices):
        VERY_HARD = 1, _("Very hard")
        HARD = 2, _("Hard")
        OK = 3, _("OK")
        GOOD = 4, _("Good")
        EASY = 5, _("Easy")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("organization")
    )
    counselor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sessions", verbose_name=_("counselor"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices)
    scenario = models.ForeignKey(
        Scenario, on_delete=models.SET_NULL, null=True, related_name="sessions", verbose_name=_("scenario")
    )
    scenario_version = models.ForeignKey(
        ScenarioVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="sessions",
        verbose_name=_("scenario version"),
    )
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, null=True, related_name="sessions", verbose_name=_("assignment")
    )
    attempt = models.PositiveIntegerField(
        _("attempt"),
        null=True,
        help_text=_("Number of this session among those of its assignment. Empty if the counselor stopped it."),
    )
    name = models.CharField(_("name"), max_length=100, blank=True, help_text=_("Name given by the counselor."))
    focus = models.CharField(
        _("focus"), max_length=500, blank=True, help_text=_("Topic that the counselor chose for free practice.")
    )
    status = models.CharField(_("status"), max_length=20, choices=Status.choices, default=Status.ACTIVE)
    end_reason = models.CharField(_("end reason"), max_length=20, choices=EndReason.choices, blank=True)
    is_gradable = models.BooleanField(_("gradable"), default=True)
    # Stored untranslated; pages translate it.
    not_gradable_reason = models.CharField(_("not gradable reason"), max_length=200, blank=True)
    end_detail = models.CharField(
        _("end detail"), max_length=100, blank=True, help_text=_("Error code, for the operator only.")
    )
    # Number of the organization's phone line that the call uses. It counts only while the call is live.
    slot = models.PositiveSmallIntegerField(null=True, editable=False)
    greeting = models.TextField(_("greeting"), blank=True)
    greeting_status = models.CharField(
        _("greeting status"), max_length=10, choices=Greeting.choices, default=Greeting.PENDING
    )
    greeting_attempts = models.PositiveSmallIntegerField(default=0)
    greeting_touched_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    # The latest epoch, and whether a gateway holds the call in it now. Every admitted socket begins an epoch.
    epoch = models.PositiveIntegerField(default=0)
    is_held = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(
        _("revision"), default=0, help_text=_("Number of changes to the transcript so far.")
    )
    score = models.PositiveSmallIntegerField(
        _("score"),
        null=True,
        editable=False,
        help_text=_("Score of the feedback that the counselor can read, with any changes that reviewers made."),
    )
    feeling = models.PositiveSmallIntegerField(
        _("feeling"),
        null=True,
        editable=False,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_("The counselor’s rating of the session, from 1 (very hard) to 5 (easy)."),
    )
    feeling_note = models.CharField(_("feeling note"), max_length=1000, blank=True, editable=False)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["organization", "-started_at"], name="session_in_order"),
            models.Index(fields=["counselor", "-started_at"], name="session_of_counselor"),
            models.Index(fields=["scenario", "-started_at"], name="session_of_scenario"),
            models.Index(fields=["organization", "end_reason", "-started_at"], name="session_by_end"),
            models.Index(fields=["organization", "status"], condition=Q(status="active"), name="session_live"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "attempt"], name="attempt_once"),
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(status="active"), name="one_live_session_per_assignment"
            ),
            models.UniqueConstraint(
                fields=["counselor"], condition=Q(status="active", mode="phone"), name="one_live_call_each"
            ),
            models.UniqueConstraint(
                fields=["organization", "slot"],
                condition=Q(status="active", mode="phone"),
                name="one_live_call_per_slot",
            ),
            models.UniqueConstraint(
                fields=["counselor", "scenario", "mode"],
                condition=Q(status="active", kind="trial"),
                name="one_live_trial_of_a_scenario_each",
            ),
            models.CheckConstraint(
                condition=Q(kind="assignment", assignment__isnull=False, attempt__isnull=False)
                | Q(kind="assignment", assignment__isnull=False, end_reason="stopped")
                | (~Q(kind="assignment") & Q(assignment__isnull=True, attempt__isnull=True)),
                name="attempt_belongs_to_an_assignment",
            ),
            models.CheckConstraint(
                condition=Q(status="active", ended_at__isnull=True) | (~Q(status="active") & Q(ended_at__isnull=False)),
                name="ended_sessions_have_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.get_mode_display()})"

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def is_phone(self) -> bool:
        return self.mode == Mode.PHONE

    @property
    def is_warm_up(self) -> bool:
        """Return whether this is a warm-up call, which is never graded, recorded, or listed."""
        return self.kind == self.Kind.TRIAL and self.scenario_version_id is None

    @property
    def was_stopped(self) -> bool:
        """Return whether the counselor stopped the session, which is then neither graded nor counted as an attempt."""
        return self.end_reason == EndReason.STOPPED

    @property
    def feeling_words(self) -> str:
        """The counselor's rating in words."""
        return str(dict(self.Feeling.choices).get(self.feeling or 0, ""))

    @property
    def is_heavy(self) -> bool:
        """Return whether the counselor may need support: the topic was heavy, the session hard, or they stopped it."""
        notes = self.scenario_version.content_notes if self.scenario_version else ""
        return bool(notes) or self.was_stopped or (self.feeling is not None and self.feeling <= 2)

    @property
    def trial_source_id(self) -> UUID | None:
        """ID that the trial pages take: of the working copy or scenario that was tried. It may be deleted by now."""
        copy_id = self.scenario_version.working_copy_id if self.scenario_version else None
        return copy_id or self.scenario_id

    @property
    def end_explanation(self) -> str:
        return EndReason(self.end_reason).explanation if self.end_reason else ""

    @property
    def end_explanation_for_counselor(self) -> str:
        return EndReason(self.end_reason).explanation_for_counselor if self.end_reason else ""

    @property
    def title(self) -> str:
        """Title shown on pages. Counselors are allowed to see a scenario's title."""
        return self.name or self.scenario_title

    @property
    def scenario_title(self) -> str:
        if self.is_warm_up:
            return gettext("Warm-up call")
        return self.scenario_version.title if self.scenario_version else gettext("Free practice")

    @property
    def caller_opens(self) -> bool:
        """Return whether the caller speaks first. By default the caller begins a chat, and the counselor a call."""
        if self.is_warm_up:
            return True
        opens = self.scenario_version.opens if self.scenario_version else ""
        return opens == Opener.CALLER if opens else not self.is_phone

    @property
    def patience(self) -> str:
        """Length of silence that the caller tolerates. The default is normal."""
        return self.scenario_version.patience if self.scenario_version else Patience.NORMAL

    def transcript(self) -> list[TranscriptTurn]:
        """Return the turns in the order in which they were spoken."""
        return in_spoken_order(self.turns.all())
