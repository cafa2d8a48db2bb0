"""Tables of the `accounts` app, in place of its seven earlier migrations."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.models.accounts


class Migration(migrations.Migration):
    replaces = [
        ("accounts", "0001_initial"),
        ("accounts", "0002_keeps_sources"),
        ("accounts", "0003_call_slots"),
        ("accounts", "0004_recording_days"),
        ("accounts", "0005_procedure_index"),
        ("accounts", "0006_cohorts_and_notices"),
        ("accounts", "0007_tokens_and_webhooks"),
    ]

    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "keeps_sources",
                    models.BooleanField(
                        default=False,
                        help_text="A complaint from which a scenario was drafted is kept with the draft; otherwise it is deleted when the scenario is saved.",
                        verbose_name="keeps complaints",
                    ),
                ),
                (
                    "call_slots",
                    models.PositiveSmallIntegerField(
                        default=25,
                        help_text="How many phone calls may be under way at once. Each costs what OpenAI asks for a call.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="lines",
                    ),
                ),
                (
                    "recording_days",
                    models.PositiveIntegerField(
                        blank=True,
                        default=365,
                        help_text="Recordings are deleted so many days after the call. Empty: they are kept.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="recordings kept for (days)",
                    ),
                ),
                (
                    "support_contacts",
                    models.TextField(
                        blank=True,
                        help_text="Whom a counselor can turn to after a hard conversation: people, numbers, hours. Shown after it.",
                        max_length=2000,
                        verbose_name="support for counselors",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                ("external_id", models.CharField(blank=True, max_length=200)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("counselor", "Counselor"),
                            ("supervisor", "Supervisor"),
                            ("trainer", "Trainer"),
                            ("evaluator", "Evaluator"),
                            ("admin", "Admin"),
                            ("service", "outside system"),
                        ],
                        default="counselor",
                        max_length=20,
                    ),
                ),
                ("mail_assigned", models.BooleanField(default=True, verbose_name="when something is assigned to me")),
                ("mail_due_soon", models.BooleanField(default=True, verbose_name="when something is due soon")),
                ("mail_feedback", models.BooleanField(default=True, verbose_name="when my feedback is ready")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="people", to="accounts.organization")),
            ],
            options={
                "ordering": ["email"],
                "indexes": [models.Index(fields=["organization", "role", "last_name"], name="people_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True), fields=("organization", "external_id"), name="one_person_per_external_id"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotentCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(help_text="SHA-256 of the credentials it came with", max_length=64)),
                ("key", models.CharField(max_length=200)),
                ("digest", models.CharField(help_text="of method, address and body", max_length=64)),
                ("status", models.PositiveSmallIntegerField(help_text="empty while it is being answered", null=True)),
                ("content_type", models.CharField(blank=True, max_length=100)),
                ("location", models.CharField(blank=True, max_length=300)),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotent_call_age")],
                "constraints": [models.UniqueConstraint(fields=("caller", "key"), name="idempotency_key_once")],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("number", models.CharField(blank=True, max_length=20)),
                (
                    "recording_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For calls of this account's scenarios. Empty: as long as the organization says.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="recordings kept for (days)",
                    ),
                ),
                ("vector_store_id", models.CharField(blank=True, editable=False, max_length=100)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="accounts.organization")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number", ""), _negated=True), fields=("organization", "number"), name="account_number_once_per_organization"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcedureDocument",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("file", models.FileField(max_length=200, upload_to=accounts.models.accounts.procedure_key)),
                ("filename", models.CharField(max_length=200)),
                ("size", models.PositiveIntegerField(help_text="bytes")),
                ("sha256", models.CharField(max_length=64)),
                ("uploaded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "status",
                    models.CharField(choices=[("processing", "Processing"), ("ready", "Ready"), ("failed", "Failed")], default="processing", max_length=20),
                ),
                ("failure", models.CharField(blank=True, max_length=500)),
                ("warning", models.CharField(blank=True, help_text="what a person should look at before trusting it", max_length=500)),
                (
                    "instructions",
                    models.JSONField(default=list, editable=False, help_text="[{page, text}]: what speaks to a machine that reads it, not to people"),
                ),
                ("page_count", models.PositiveIntegerField(help_text="empty until it is taken apart here", null=True)),
                ("vector_store_id", models.CharField(blank=True, editable=False, max_length=100)),
                ("openai_file_id", models.CharField(blank=True, max_length=100)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("is_claimed", models.BooleanField(default=False, editable=False)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="accounts.account")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                (
                    "replaced",
                    models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.proceduredocument"),
                ),
                ("uploaded_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["-uploaded_at"],
                "get_latest_by": "uploaded_at",
            },
        ),
        migrations.AddField(
            model_name="account",
            name="procedures",
            field=models.ForeignKey(
                blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="accounts.proceduredocument"
            ),
        ),
        migrations.CreateModel(
            name="ProcedurePage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("letters", models.TextField(blank=True)),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="pages", to="accounts.proceduredocument")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
            ],
            options={
                "ordering": ["document", "number"],
                "constraints": [models.UniqueConstraint(fields=("document", "number"), name="procedure_page_once")],
            },
        ),
        migrations.CreateModel(
            name="ProcedureSection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField()),
                ("number", models.CharField(max_length=30)),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("letters", models.TextField(blank=True)),
                ("page", models.PositiveIntegerField(help_text="where it begins, from 1; empty in a text without pages", null=True)),
                ("last_page", models.PositiveIntegerField(null=True)),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="sections", to="accounts.proceduredocument")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
            ],
            options={
                "ordering": ["document", "position"],
                "constraints": [models.UniqueConstraint(fields=("document", "number"), name="procedure_section_once")],
            },
        ),
        migrations.CreateModel(
            name="ServiceToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(help_text="the system that uses it", max_length=100)),
                ("scopes", models.JSONField(default=list, help_text="what it may do, such as sessions:read")),
                ("digest", models.CharField(editable=False, help_text="SHA-256 of the secret", max_length=64, unique=True)),
                ("hint", models.CharField(editable=False, help_text="how the secret begins, to tell tokens apart", max_length=12)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, help_text="Empty: until it is revoked.", null=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("acts_as", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("created_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="service_tokens", to="accounts.organization")),
            ],
            options={
                "ordering": ["-created_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=500, verbose_name="address")),
                ("events", models.JSONField(default=list)),
                ("secret", models.CharField(editable=False, max_length=100)),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="webhooks", to="accounts.organization")),
            ],
            options={
                "ordering": ["-created_at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("session.completed", "Session Completed"),
                            ("evaluation.ready", "Evaluation Ready"),
                            ("assignment.completed", "Assignment Completed"),
                        ],
                        max_length=40,
                    ),
                ),
                ("payload", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now, help_text="empty: given up, or delivered", null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("status", models.PositiveSmallIntegerField(help_text="what the address answered last", null=True)),
                ("failure", models.CharField(blank=True, max_length=200)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("webhook", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="accounts.webhook")),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "pk"],
                "indexes": [
                    models.Index(condition=models.Q(("delivered_at", None)), fields=["next_at"], name="delivery_due"),
                    models.Index(fields=["webhook", "-created_at"], name="delivery_in_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cohort",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("counselors", models.ManyToManyField(blank=True, related_name="cohorts", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="cohorts", to="accounts.organization")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("organization", "name"), name="cohort_name_once")],
            },
        ),
    ]
