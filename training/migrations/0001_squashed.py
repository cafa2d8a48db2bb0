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
                ("due_date", models.DateField(blank=True, null=True)),
                ("notes", models.TextField(blank=True, help_text="The counselor reads this.", max_length=1000)),
                ("require_recording", models.BooleanField(default=False)),
                (
                    "pass_mark",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="The score that is enough. Empty: any feedback completes it.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "attempts_allowed",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="How many graded attempts there are to reach the pass mark. Empty: as many as it takes.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(20)],
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Pending"), ("in_progress", "in progress"), ("completed", "Completed"), ("cancelled", "Cancelled")],
                        default="pending",
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(editable=False, null=True)),
                ("score", models.PositiveSmallIntegerField(editable=False, help_text="of its best attempt since the reset", null=True)),
                ("reset_after", models.PositiveIntegerField(default=0, editable=False, help_text="attempts up to here do not count")),
                ("declined_at", models.DateTimeField(editable=False, help_text="when its counselor declined the topic", null=True)),
                ("announced_at", models.DateTimeField(editable=False, null=True)),
                ("reminded_at", models.DateTimeField(editable=False, null=True)),
                ("assigned_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("counselor", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="accounts.organization")),
                ("scenario", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="assignments", to="scenarios.scenario")),
            ],
            options={
                "ordering": ["-created_at", "pk"],
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
                        violation_error_message="This counselor already has this scenario open.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("assignment", "Assignment"), ("free_practice", "free practice"), ("trial", "Trial")], max_length=20)),
                ("mode", models.CharField(choices=[("phone", "Phone"), ("chat", "Chat")], max_length=10)),
                ("attempt", models.PositiveIntegerField(help_text="the n-th session of its assignment", null=True)),
                ("name", models.CharField(blank=True, help_text="what its counselor calls it", max_length=100)),
                ("focus", models.CharField(blank=True, help_text="what a counselor asked to practise freely", max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("completed", "Completed"), ("abandoned", "Abandoned"), ("failed", "Failed")],
                        default="active",
                        max_length=20,
                    ),
                ),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("hung_up", "hung up"),
                            ("feedback", "ended for feedback"),
                            ("stopped", "stopped by the counselor"),
                            ("line_lost", "the line was lost"),
                            ("caller_lost", "the caller was lost"),
                            ("too_long", "the longest time was reached"),
                            ("idle", "nobody spoke for a long time"),
                            ("ended_elsewhere", "ended on another page"),
                            ("supervisor", "ended by a supervisor"),
                            ("caller_inaudible", "the caller could not be heard"),
                            ("replaced", "taken over by another page"),
                            ("shutdown", "the service was restarted"),
                            ("failed", "something went wrong on our side"),
                        ],
                        max_length=20,
                    ),
                ),
                ("is_gradable", models.BooleanField(default=True, verbose_name="gradable")),
                ("not_gradable_reason", models.CharField(blank=True, max_length=200)),
                ("end_detail", models.CharField(blank=True, help_text="the cause, for the operator only", max_length=100)),
                ("slot", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("greeting", models.TextField(blank=True)),
                (
                    "greeting_status",
                    models.CharField(choices=[("pending", "Pending"), ("ready", "Ready"), ("failed", "Failed")], default="pending", max_length=10),
                ),
                ("greeting_attempts", models.PositiveSmallIntegerField(default=0)),
                ("greeting_touched_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(auto_now_add=True)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("is_held", models.BooleanField(default=False)),
                ("revision", models.PositiveIntegerField(default=0, help_text="counts every change to the transcript")),
                (
                    "score",
                    models.PositiveSmallIntegerField(
                        editable=False, help_text="of the feedback that its counselor may read; what people overruled counts", null=True
                    ),
                ),
                (
                    "feeling",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        help_text="how it was for the counselor, 1 (very hard) to 5 (easy)",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)],
                    ),
                ),
                ("feeling_note", models.CharField(blank=True, editable=False, max_length=1000)),
                ("assignment", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="training.assignment")),
                ("counselor", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="accounts.organization")),
                ("scenario", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="sessions", to="scenarios.scenario")),
                (
                    "scenario_version",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="sessions", to="scenarios.scenarioversion"),
                ),
            ],
            options={
                "ordering": ["-started_at"],
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
                ("displaces", models.PositiveIntegerField(help_text="the epoch that this socket may take the line from", null=True)),
                ("login", models.CharField(blank=True, max_length=40)),
                ("auth_hash", models.CharField(blank=True, max_length=128)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("counselor", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tickets", to="training.session")),
            ],
        ),
        migrations.CreateModel(
            name="TranscriptTurn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(choices=[("caller", "Caller"), ("counselor", "Counselor")], max_length=10)),
                ("text_generated", models.TextField(blank=True)),
                ("text_heard", models.TextField(blank=True)),
                ("item", models.CharField(help_text="the upstream's id of this utterance", max_length=100)),
                ("after", models.CharField(blank=True, help_text="the item this turn follows; empty for the first", max_length=100)),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("start_ms", models.PositiveIntegerField(help_text="on the recording's clock", null=True)),
                ("end_ms", models.PositiveIntegerField(null=True)),
                ("source", models.CharField(choices=[("spoken", "Spoken"), ("typed", "Typed")], max_length=10)),
                ("is_interrupted", models.BooleanField(default=False, verbose_name="interrupted")),
                ("is_final", models.BooleanField(default=True, verbose_name="final")),
                ("revision", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="turns", to="training.session")),
            ],
            options={
                "ordering": ["session", "created_at"],
                "constraints": [models.UniqueConstraint(fields=("session", "item"), name="item_once_per_session")],
            },
        ),
    ]
