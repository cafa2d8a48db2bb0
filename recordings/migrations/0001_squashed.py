"""Tables of the `recordings` app, in place of its three earlier migrations."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import recordings.models


class Migration(migrations.Migration):
    replaces = [("recordings", "0001_initial"), ("recordings", "0002_shipped_and_kept"), ("recordings", "0003_finished_before")]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("training", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Recording",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("recording", "Recording"),
                            ("processing", "Processing"),
                            ("completed", "Completed"),
                            ("partial", "Partial"),
                            ("absent", "Absent"),
                            ("failed", "Failed"),
                            ("deleted", "Deleted"),
                        ],
                        default="recording",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="Why the recording is partial, absent, or failed.", max_length=200, verbose_name="reason")),
                ("file", models.FileField(blank=True, max_length=200, upload_to=recordings.models.recording_key)),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                ("size", models.PositiveBigIntegerField(help_text="In bytes.", null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("channels", models.PositiveSmallIntegerField(default=2)),
                ("peaks", models.JSONField(default=list, help_text="Per channel, the loudest sample of each slice, from 0 to 1.")),
                ("counselor_speech_ms", models.PositiveIntegerField(help_text="Time that the counselor’s channel was loud.", null=True)),
                ("caller_speech_ms", models.PositiveIntegerField(null=True)),
                (
                    "is_held",
                    models.BooleanField(default=False, help_text="Keep this recording, even after its retention period ends.", verbose_name="legal hold"),
                ),
                ("hold_reason", models.CharField(blank=True, max_length=200, verbose_name="reason for the hold")),
                ("fence", models.PositiveIntegerField(default=0, editable=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("cleared_at", models.DateTimeField(editable=False, help_text="When its segments were deleted.", null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("touched_at", models.DateTimeField(auto_now=True)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="recording", to="training.session")),
            ],
            options={"ordering": ["-created_at"], "verbose_name": "recording", "verbose_name_plural": "recordings"},
        ),
        migrations.CreateModel(
            name="RecordingConsent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text_version", models.CharField(blank=True, help_text="Empty if another program showed its own text.", max_length=20)),
                ("text_sha256", models.CharField(blank=True, max_length=64)),
                ("agreed_at", models.DateTimeField(auto_now_add=True)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="recording_consent", to="training.session")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["agreed_at"],
            },
        ),
        migrations.CreateModel(
            name="RecordingDeletion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(choices=[("retention", "Retention period ended"), ("request", "Deleted on request")], max_length=20)),
                ("deleted_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("removed", models.JSONField(default=list, help_text="The deleted copies, each with what, key, and bytes.")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("recording", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="deletion", to="recordings.recording")),
                ("requested_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["-deleted_at"],
            },
        ),
        migrations.CreateModel(
            name="RecordingEpoch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sealed_at", models.DateTimeField(help_text="When all of it was in the object store.", null=True)),
                ("sizes", models.JSONField(default=list, help_text="Bytes of the journal, microphone, and caller files when it was sealed.")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("recording", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="epochs", to="recordings.recording")),
            ],
            options={
                "ordering": ["recording", "number"],
                "constraints": [models.UniqueConstraint(fields=("recording", "number"), name="epoch_once_per_recording")],
            },
        ),
    ]
