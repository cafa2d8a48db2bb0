"""Tables of the `training` app, in place of its five earlier migrations."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("training", "0001_initial"),
        ("training", "0002_one_live_trial"),
        ("training", "0003_lines_and_slots"),
        ("training", "0004_marks_scores_and_care"),
        ("training", "0005_queues_in_order"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("scenarios", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("due_date", models.DateField(blank=True, null=True, verbose_name="due date")),
                ("notes", models.TextField(blank=True, help_text="The counselor sees these notes.", max_length=1000, verbose_name="notes")),
                ("require_recording", models.BooleanField(default=False, verbose_name="require recording")),
                (
                    "pass_mark",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Score that completes the assignment. Leave blank to accept any score.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)],
                        verbose_name="pass mark",
                    ),
                ),
                (
                    "attempts_allowed",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Number of graded attempts to reach the pass mark. Leave blank for no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)],
                        verbose_name="attempts allowed",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("in_progress", "In progress"), ("completed", "Completed"), ("cancelled", "Canceled")],
                        default="pending",
                        editable=False,
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("completed_at", models.DateTimeField(editable=False, null=True, verbose_name="completed at")),
                (
                    "score",
                    models.PositiveSmallIntegerField(
                        editable=False, help_text="Score of the best attempt since the last reset.", null=True, verbose_name="score"
                    ),
                ),
                (
                    "reset_after",
                    models.PositiveIntegerField(default=0, editable=False, help_text="Attempts up to this number don’t count.", verbose_name="reset after"),
                ),
                (
                    "declined_at",
                    models.DateTimeField(editable=False, help_text="Time when the counselor declined the topic.", null=True, verbose_name="declined at"),
                ),
                ("announced_at", models.DateTimeField(editable=False, null=True, verbose_name="announced at")),
                ("reminded_at", models.DateTimeField(editable=False, null=True, verbose_name="reminded at")),
                (
                    "assigned_by",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="assigned by"
                    ),
                ),
                (
                    "counselor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to=settings.AUTH_USER_MODEL, verbose_name="counselor"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="accounts.organization", verbose_name="organization"
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="scenarios.scenario", verbose_name="scenario"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "pk"],
                "verbose_name": "assignment",
                "verbose_name_plural": "assignments",
                "indexes": [
                    models.Index(fields=["organization", "-created_at", "id"], name="assignment_in_order"),
                    models.Index(fields=["organization", "status", "due_date"], name="assignment_due"),
                    models.Index(fields=["counselor", "status"], name="assignment_of_counselor"),
                    models.Index(
                        condition=models.Q(("score__lt", models.F("pass_mark")), ("status", "completed")),
                        fields=["organization", "-completed_at"],
                        name="assignment_failed",
                    ),
                    models.Index(condition=models.Q(("declined_at__isnull", False)), fields=["organization", "-declined_at"], name="assignment_declined"),
                    models.Index(condition=models.Q(("announced_at", None)), fields=["announced_at"], name="assignment_unannounced"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["pending", "in_progress"])),
                        fields=("counselor", "scenario"),
                        name="one_open_assignment",
                        violation_error_message="This counselor already has an open assignment for this scenario.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("assignment", "Assignment"), ("free_practice", "Free practice"), ("trial", "Trial")], max_length=20, verbose_name="kind"
                    ),
                ),
                ("mode", models.CharField(choices=[("phone", "Phone"), ("chat", "Chat")], max_length=10, verbose_name="mode")),
                ("attempt", models.PositiveIntegerField(help_text="Number of this session among those of its assignment.", null=True, verbose_name="attempt")),
                ("name", models.CharField(blank=True, help_text="Name given by the counselor.", max_length=100, verbose_name="name")),
                ("focus", models.CharField(blank=True, help_text="Topic that the counselor chose for free practice.", max_length=500, verbose_name="focus")),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("completed", "Completed"), ("abandoned", "Abandoned"), ("failed", "Failed")],
                        default="active",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("hung_up", "Hung up"),
                            ("feedback", "Ended for feedback"),
                            ("stopped", "Stopped by the counselor"),
                            ("line_lost", "Connection lost"),
                            ("caller_lost", "Connection to the caller lost"),
                            ("too_long", "Time limit reached"),
                            ("idle", "No activity"),
                            ("ended_elsewhere", "Ended on another page"),
                            ("supervisor", "Ended by a supervisor"),
                            ("caller_inaudible", "Caller not audible"),
                            ("replaced", "Taken over by another page"),
                            ("shutdown", "Service restarted"),
                            ("failed", "Technical problem"),
                        ],
                        max_length=20,
                        verbose_name="end reason",
                    ),
                ),
                ("is_gradable", models.BooleanField(default=True, verbose_name="gradable")),
                ("not_gradable_reason", models.CharField(blank=True, max_length=200, verbose_name="not gradable reason")),
                ("end_detail", models.CharField(blank=True, help_text="Error code, for the operator only.", max_length=100, verbose_name="end detail")),
                ("slot", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("greeting", models.TextField(blank=True, verbose_name="greeting")),
                (
                    "greeting_status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("ready", "Ready"), ("failed", "Failed")],
                        default="pending",
                        max_length=10,
                        verbose_name="greeting status",
                    ),
                ),
                ("greeting_attempts", models.PositiveSmallIntegerField(default=0)),
                ("greeting_touched_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(auto_now_add=True, verbose_name="started at")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                ("heartbeat_at", models.DateTimeField(auto_now_add=True)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("is_held", models.BooleanField(default=False)),
                ("revision", models.PositiveIntegerField(default=0, help_text="Number of changes to the transcript so far.", verbose_name="revision")),
                (
                    "score",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        help_text="Score of the feedback that the counselor can read, with any changes that reviewers made.",
                        null=True,
                        verbose_name="score",
                    ),
                ),
                (
                    "feeling",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        help_text="The counselor’s rating of the session, from 1 (very hard) to 5 (easy).",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)],
                        verbose_name="feeling",
                    ),
                ),
                ("feeling_note", models.CharField(blank=True, editable=False, max_length=1000, verbose_name="feeling note")),
                (
                    "assignment",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="training.assignment", verbose_name="assignment"
                    ),
                ),
                (
                    "counselor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to=settings.AUTH_USER_MODEL, verbose_name="counselor"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="accounts.organization", verbose_name="organization"
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="sessions", to="scenarios.scenario", verbose_name="scenario"
                    ),
                ),
                (
                    "scenario_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sessions",
                        to="scenarios.scenarioversion",
                        verbose_name="scenario version",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at"],
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "indexes": [
                    models.Index(fields=["organization", "-started_at"], name="session_in_order"),
                    models.Index(fields=["counselor", "-started_at"], name="session_of_counselor"),
                    models.Index(fields=["scenario", "-started_at"], name="session_of_scenario"),
                    models.Index(fields=["organization", "end_reason", "-started_at"], name="session_by_end"),
                    models.Index(condition=models.Q(("status", "active")), fields=["organization", "status"], name="session_live"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("assignment", "attempt"), name="attempt_once"),
                    models.UniqueConstraint(condition=models.Q(("status", "active")), fields=("assignment",), name="one_live_session_per_assignment"),
                    models.UniqueConstraint(condition=models.Q(("mode", "phone"), ("status", "active")), fields=("counselor",), name="one_live_call_each"),
                    models.UniqueConstraint(
                        condition=models.Q(("mode", "phone"), ("status", "active")), fields=("organization", "slot"), name="one_live_call_per_slot"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "trial"), ("status", "active")),
                        fields=("counselor", "scenario", "mode"),
                        name="one_live_trial_of_a_scenario_each",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("assignment__isnull", False), ("attempt__isnull", False), ("kind", "assignment")),
                            models.Q(models.Q(("kind", "assignment"), _negated=True), ("assignment__isnull", True), ("attempt__isnull", True)),
                            _connector="OR",
                        ),
                        name="attempt_belongs_to_an_assignment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("status", "active")),
                            models.Q(models.Q(("status", "active"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="ended_sessions_have_an_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallTicket",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("spent_at", models.DateTimeField(null=True)),
                ("displaces", models.PositiveIntegerField(help_text="Epoch from which this socket may take over the call.", null=True)),
                ("login", models.CharField(blank=True, max_length=40)),
                ("auth_hash", models.CharField(blank=True, max_length=128)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("counselor", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tickets", to="training.session")),
            ],
            options={"verbose_name": "call ticket", "verbose_name_plural": "call tickets"},
        ),
        migrations.CreateModel(
            name="TranscriptTurn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(choices=[("caller", "Caller"), ("counselor", "Counselor")], max_length=10, verbose_name="role")),
                ("text_generated", models.TextField(blank=True, verbose_name="text generated")),
                ("text_heard", models.TextField(blank=True, verbose_name="text heard")),
                ("item", models.CharField(help_text="Upstream ID of this turn.", max_length=100, verbose_name="item")),
                (
                    "after",
                    models.CharField(blank=True, help_text="Item that this turn follows. Empty for the first turn.", max_length=100, verbose_name="after"),
                ),
                ("epoch", models.PositiveIntegerField(default=0, verbose_name="epoch")),
                ("start_ms", models.PositiveIntegerField(help_text="Milliseconds since the start of the recording.", null=True, verbose_name="start ms")),
                ("end_ms", models.PositiveIntegerField(null=True, verbose_name="end ms")),
                ("source", models.CharField(choices=[("spoken", "Spoken"), ("typed", "Typed")], max_length=10, verbose_name="source")),
                ("is_interrupted", models.BooleanField(default=False, verbose_name="interrupted")),
                ("is_final", models.BooleanField(default=True, verbose_name="final")),
                ("revision", models.PositiveIntegerField(verbose_name="revision")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "organization",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization", verbose_name="organization"),
                ),
                (
                    "session",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="turns", to="training.session", verbose_name="session"),
                ),
            ],
            options={
                "ordering": ["session", "created_at"],
                "verbose_name": "transcript turn",
                "verbose_name_plural": "transcript turns",
                "constraints": [models.UniqueConstraint(fields=("session", "item"), name="item_once_per_session")],
            },
        ),
    ]
