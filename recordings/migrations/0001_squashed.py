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
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="why it is partial, absent or failed", max_length=200)),
                ("file", models.FileField(blank=True, max_length=200, upload_to=recordings.models.recording_key)),
                ("duration_ms", models.PositiveIntegerField(null=True)),
                ("size", models.PositiveBigIntegerField(help_text="bytes", null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("channels", models.PositiveSmallIntegerField(default=2)),
                ("peaks", models.JSONField(default=list, help_text="per channel, the loudest sample of each slice, 0 to 1")),
                ("counselor_speech_ms", models.PositiveIntegerField(help_text="how long the counselor's channel was loud", null=True)),
                ("caller_speech_ms", models.PositiveIntegerField(null=True)),
                ("is_held", models.BooleanField(default=False, help_text="It is kept whatever the retention says.", verbose_name="legal hold")),
                ("hold_reason", models.CharField(blank=True, max_length=200)),
                ("fence", models.PositiveIntegerField(default=0, editable=False)),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("cleared_at", models.DateTimeField(editable=False, help_text="what it was made of is gone since", null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now=True)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="recording", to="training.session")),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="RecordingConsent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text_version", models.CharField(blank=True, help_text="empty: the words of another program", max_length=20)),
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
                ("reason", models.CharField(choices=[("retention", "kept long enough"), ("request", "somebody asked for it")], max_length=20)),
                ("deleted_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("removed", models.JSONField(default=list, help_text="copies: what, key, bytes")),
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
                ("sealed_at", models.DateTimeField(help_text="all of it is in the object store since", null=True)),
                ("sizes", models.JSONField(default=list, help_text="bytes of journal, microphone and caller when it was sealed")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("recording", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="epochs", to="recordings.recording")),
            ],
            options={
                "ordering": ["recording", "number"],
                "constraints": [models.UniqueConstraint(fields=("recording", "number"), name="epoch_once_per_recording")],
            },
        ),
    ]
