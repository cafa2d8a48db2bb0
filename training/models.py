from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organization, User
from scenarios.models import Mode, Opener, Patience, Scenario, ScenarioVersion
from training.transcript import in_spoken_order

# What stands in for speech that could not be transcribed: somebody spoke, nobody knows what.
INAUDIBLE = "[inaudible]"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def for_user(self, user: User) -> AssignmentQuerySet:
        """A counselor's own assignments, everyone else's organization."""
        rows = self.filter(organization_id=user.organization_id)
        return rows.filter(counselor_id=user.pk) if user.is_counselor else rows

    def open(self) -> AssignmentQuerySet:
        return self.filter(status__in=Assignment.OPEN)

    def soonest_due_first(self) -> AssignmentQuerySet:
        return self.order_by(F("due_date").asc(nulls_last=True), "created_at")


class Assignment(models.Model):
    """A scenario given to a counselor. It is completed by feedback, never by hand."""

    class Status(models.TextChoices):
        PENDING = "pending"
        IN_PROGRESS = "in_progress", "in progress"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    OPEN = (Status.PENDING, Status.IN_PROGRESS)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="assignments")
    counselor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="assignments")
    assigned_by = models.ForeignKey(User, on_delete=models.PROTECT, editable=False, related_name="+")
    due_date = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True, max_length=1000, help_text="The counselor reads this.")
    require_recording = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["counselor", "scenario"],
                condition=Q(status__in=["pending", "in_progress"]),
                name="one_open_assignment",
                violation_error_message="This counselor already has this scenario open.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.scenario} for {self.counselor}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_date is not None and self.due_date < timezone.localdate()


class EndReason(models.TextChoices):
    """Why a session ended. The gateway's reasons for a call are the same words."""

    HUNG_UP = "hung_up", "hung up"
    FEEDBACK = "feedback", "ended for feedback"
    LINE_LOST = "line_lost", "the line was lost"
    CALLER_LOST = "caller_lost", "the caller was lost"
    TOO_LONG = "too_long", "the longest time was reached"
    IDLE = "idle", "nobody spoke for a long time"
    ENDED_ELSEWHERE = "ended_elsewhere", "ended on another page"
    SUPERVISOR = "supervisor", "ended by a supervisor"
    CALLER_INAUDIBLE = "caller_inaudible", "the caller could not be heard"
    REPLACED = "replaced", "taken over by another page"
    SHUTDOWN = "shutdown", "the service was restarted"
    FAILED = "failed", "something went wrong on our side"

    @property
    def explanation(self) -> str:
        """For the people of the session; empty where nothing needs explaining."""
        return END_EXPLANATIONS.get(self, "")


END_EXPLANATIONS = {
    EndReason.LINE_LOST: "The connection to the counselor broke off and nobody came back within a minute. What was "
    "said until then is kept.",
    EndReason.CALLER_LOST: "The connection to the caller broke off and could not be made again. That was our side, not "
    "the counselor’s.",
    EndReason.CALLER_INAUDIBLE: "The caller’s voice did not come through, twice. That was our side, so this call is "
    "not graded.",
    EndReason.TOO_LONG: "A call has a longest length, and this one reached it.",
    EndReason.IDLE: "Nobody spoke for several minutes, so the call was ended after a warning.",
    EndReason.ENDED_ELSEWHERE: "It was ended on another page or device of the counselor.",
    EndReason.SUPERVISOR: "A supervisor ended it. Nothing the counselor did is held against them for that.",
    EndReason.SHUTDOWN: "The service was restarted, and the call was not taken up again.",
    EndReason.FAILED: "Something went wrong on our side. What was said until then is kept.",
}


class SessionQuerySet(models.QuerySet["Session"]):
    def for_user(self, user: User) -> SessionQuerySet:
        """The sessions this person may see: a counselor's own, everyone else's organization; nobody else's."""
        rows = self.filter(organization_id=user.organization_id)
        return rows.filter(counselor_id=user.pk) if user.is_counselor else rows

    def held_by(self, user: User) -> SessionQuerySet:
        """The sessions this person takes part in: only the one who practises may speak, write or hang up."""
        return self.filter(counselor_id=user.pk, organization_id=user.organization_id)

    def endable_by(self, user: User) -> SessionQuerySet:
        """Their own, and for whoever is responsible for counselors those of their organization."""
        mine = self.filter(organization_id=user.organization_id)
        return mine if user.may_end_sessions else mine.filter(counselor_id=user.pk)

    def live(self) -> SessionQuerySet:
        return self.filter(status=Session.Status.ACTIVE)

    def locked(self) -> SessionQuerySet:
        """In one order for everybody, so that two transactions over several sessions never wait for each other."""
        return self.order_by("pk").select_for_update(no_key=True)

    def practised(self) -> SessionQuerySet:
        """Without trials, which count for nobody: statistics, and every list of other people's sessions, start here."""
        return self.exclude(kind=Session.Kind.TRIAL)

    def trials_of(self, scenario: Scenario, mode: str) -> SessionQuerySet:
        return self.filter(kind=Session.Kind.TRIAL, scenario=scenario, mode=mode)

    def silent_since(self, calls_before: datetime, lines_before: datetime, chats_before: datetime) -> SessionQuerySet:
        """Live sessions that nobody has been heard from, or come back to: the sweep ends them."""
        is_free = Q(is_held=False, epoch__gt=0)
        return self.live().filter(
            Q(mode=Mode.PHONE, heartbeat_at__lt=calls_before)
            | Q(is_free, mode=Mode.PHONE, heartbeat_at__lt=lines_before)
            | Q(mode=Mode.CHAT, heartbeat_at__lt=chats_before)
        )

    def with_lost_greeting(self, before: datetime) -> SessionQuerySet:
        return self.live().filter(greeting_status=Session.Greeting.PENDING, greeting_touched_at__lt=before)


class Session(models.Model):
    """One practice conversation of one counselor."""

    class Kind(models.TextChoices):
        ASSIGNMENT = "assignment"
        FREE_PRACTICE = "free_practice", "free practice"
        TRIAL = "trial"

    class Status(models.TextChoices):
        ACTIVE = "active"
        COMPLETED = "completed"
        ABANDONED = "abandoned"
        FAILED = "failed"

    class Greeting(models.TextChoices):
        PENDING = "pending"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="sessions")
    counselor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sessions")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    scenario = models.ForeignKey(Scenario, on_delete=models.SET_NULL, null=True, related_name="sessions")
    scenario_version = models.ForeignKey(ScenarioVersion, on_delete=models.PROTECT, null=True, related_name="sessions")
    assignment = models.ForeignKey(Assignment, on_delete=models.PROTECT, null=True, related_name="sessions")
    attempt = models.PositiveIntegerField(null=True, help_text="the n-th session of its assignment")
    focus = models.CharField(max_length=500, blank=True, help_text="what a counselor asked to practise freely")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    end_reason = models.CharField(max_length=20, choices=EndReason.choices, blank=True)
    is_gradable = models.BooleanField("gradable", default=True)
    not_gradable_reason = models.CharField(max_length=200, blank=True)
    end_detail = models.CharField(max_length=100, blank=True, help_text="the cause, for the operator only")
    # Which of the organization's lines a call has; only that of a live one counts.
    slot = models.PositiveSmallIntegerField(null=True, editable=False)
    greeting = models.TextField(blank=True)
    greeting_status = models.CharField(max_length=10, choices=Greeting.choices, default=Greeting.PENDING)
    greeting_attempts = models.PositiveSmallIntegerField(default=0)
    greeting_touched_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(auto_now_add=True)
    # Which gateway epoch holds the call, and whether it does now. An epoch begins with every socket that is let in.
    epoch = models.PositiveIntegerField(default=0)
    is_held = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=0, help_text="counts every change to the transcript")

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
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
                | (~Q(kind="assignment") & Q(assignment__isnull=True, attempt__isnull=True)),
                name="attempt_belongs_to_an_assignment",
            ),
            models.CheckConstraint(
                condition=Q(status="active", ended_at__isnull=True) | (~Q(status="active") & Q(ended_at__isnull=False)),
                name="ended_sessions_have_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.mode})"

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def is_phone(self) -> bool:
        return self.mode == Mode.PHONE

    @property
    def end_explanation(self) -> str:
        return EndReason(self.end_reason).explanation if self.end_reason else ""

    @property
    def title(self) -> str:
        """What to call it on a page. A counselor may read a scenario's title."""
        return self.scenario_version.title if self.scenario_version else "Free practice"

    @property
    def caller_opens(self) -> bool:
        """Who has the first word. Where no scenario says, a chat is begun by the caller, a call by the counselor."""
        opens = self.scenario_version.opens if self.scenario_version else ""
        return opens == Opener.CALLER if opens else not self.is_phone

    @property
    def patience(self) -> str:
        """How long a silence the caller bears. Where no scenario says, as long as most people."""
        return self.scenario_version.patience if self.scenario_version else Patience.NORMAL

    def transcript(self) -> list[TranscriptTurn]:
        """The turns in the order they were spoken."""
        return in_spoken_order(self.turns.all())


class TurnQuerySet(models.QuerySet["TranscriptTurn"]):
    def by_caller(self) -> TurnQuerySet:
        return self.filter(role=TranscriptTurn.Role.CALLER)


class TranscriptTurn(models.Model):
    """One utterance. What counts is the text as heard; what was generated but never heard is kept beside it."""

    class Role(models.TextChoices):
        CALLER = "caller"
        COUNSELOR = "counselor"

    class Source(models.TextChoices):
        SPOKEN = "spoken"
        TYPED = "typed"

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

    objects = TurnQuerySet.as_manager()

    class Meta:
        ordering = ["session", "created_at"]
        constraints = [models.UniqueConstraint(fields=["session", "item"], name="item_once_per_session")]

    def __str__(self) -> str:
        return f"{self.role} turn {self.item}"

    @property
    def is_by_counselor(self) -> bool:
        return self.role == self.Role.COUNSELOR


class CallTicket(models.Model):
    """Lets one socket in, once. The ticket itself is signed; this row is what makes it single use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tickets")
    counselor = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)
    displaces = models.PositiveIntegerField(null=True, help_text="the epoch that this socket may take the line from")
    # The login it was asked for with, and the password of then: when either is gone, so is the right to the call.
    login = models.CharField(max_length=40, blank=True)
    auth_hash = models.CharField(max_length=128, blank=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Ticket for session {self.session_id}"

    @property
    def is_still_good(self) -> bool:
        """Whoever was let in with it may stay."""
        is_same_password = not self.auth_hash or self.auth_hash == self.counselor.get_session_auth_hash()
        return self.revoked_at is None and self.counselor.is_active and is_same_password


def heard_turns(turns: Iterable[TranscriptTurn]) -> list[TranscriptTurn]:
    """Of turns in order, those whose words were heard or read."""
    return [turn for turn in turns if turn.text_heard.strip() not in {"", INAUDIBLE}]
