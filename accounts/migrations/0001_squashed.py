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
                ("name", models.CharField(max_length=200, unique=True, verbose_name="name")),
                (
                    "keeps_sources",
                    models.BooleanField(
                        default=False,
                        help_text="Keep the complaint that a scenario was drafted from. If unchecked, the complaint is deleted when the scenario is saved.",
                        verbose_name="keep source complaints",
                    ),
                ),
                (
                    "call_slots",
                    models.PositiveSmallIntegerField(
                        default=25,
                        help_text="The most phone calls that can be in progress at once. OpenAI charges for each call.",
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="simultaneous calls",
                    ),
                ),
                (
                    "recording_days",
                    models.PositiveIntegerField(
                        blank=True,
                        default=365,
                        help_text="Recordings are deleted this many days after the call. Leave blank to keep them indefinitely.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="recording retention (days)",
                    ),
                ),
                (
                    "support_contacts",
                    models.TextField(
                        blank=True,
                        help_text="Who counselors can turn to after a difficult conversation: people, phone numbers, and hours. Shown at the end of each session.",
                        max_length=2000,
                        verbose_name="support contacts",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={"ordering": ["name"], "verbose_name": "organization", "verbose_name_plural": "organizations"},
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
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="email address")),
                ("external_id", models.CharField(blank=True, help_text="The ID of this person in another system.", max_length=200, verbose_name="external ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("counselor", "Counselor"),
                            ("supervisor", "Supervisor"),
                            ("trainer", "Trainer"),
                            ("evaluator", "Evaluator"),
                            ("admin", "Admin"),
                            ("service", "External system"),
                        ],
                        default="counselor",
                        max_length=20,
                        verbose_name="role",
                    ),
                ),
                ("mail_assigned", models.BooleanField(default=True, verbose_name="When I get a new assignment")),
                ("mail_due_soon", models.BooleanField(default=True, verbose_name="When an assignment is due soon")),
                ("mail_feedback", models.BooleanField(default=True, verbose_name="When my feedback is ready")),
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
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="people", to="accounts.organization", verbose_name="organization"
                    ),
                ),
            ],
            options={
                "ordering": ["email"],
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "indexes": [models.Index(fields=["organization", "role", "last_name"], name="people_by_name")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        fields=("organization", "external_id"),
                        name="one_person_per_external_id",
                        violation_error_message="Another person already has this external ID.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotentCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(help_text="SHA-256 of the request’s credentials.", max_length=64)),
                ("key", models.CharField(max_length=200)),
                ("digest", models.CharField(help_text="SHA-256 of the method, URL, and body.", max_length=64)),
                ("status", models.PositiveSmallIntegerField(help_text="Empty while the first request is in progress.", null=True)),
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
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("number", models.CharField(blank=True, max_length=20, verbose_name="number")),
                (
                    "recording_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="For calls with this account’s scenarios. Leave blank to use your organization’s setting.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="recording retention (days)",
                    ),
                ),
                ("vector_store_id", models.CharField(blank=True, editable=False, max_length=100)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="accounts.organization", verbose_name="organization"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("number", ""), _negated=True),
                        fields=("organization", "number"),
                        name="account_number_once_per_organization",
                        violation_error_message="Another account already has this number.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcedureDocument",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("file", models.FileField(max_length=200, upload_to=accounts.models.accounts.procedure_key, verbose_name="file")),
                ("filename", models.CharField(max_length=200, verbose_name="file name")),
                ("size", models.PositiveIntegerField(help_text="In bytes.", verbose_name="size")),
                ("sha256", models.CharField(max_length=64)),
                ("uploaded_at", models.DateTimeField(auto_now_add=True, verbose_name="uploaded at")),
                (
                    "status",
                    models.CharField(
                        choices=[("processing", "Processing"), ("ready", "Ready"), ("failed", "Failed")],
                        default="processing",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("failure", models.CharField(blank=True, help_text="Why the document could not be prepared.", max_length=500, verbose_name="failure")),
                (
                    "warning",
                    models.CharField(blank=True, help_text="Something to check before relying on this document.", max_length=500, verbose_name="warning"),
                ),
                (
                    "instructions",
                    models.JSONField(default=list, editable=False, help_text="Text that addresses an AI system rather than people, as a list of {page, text}."),
                ),
                ("page_count", models.PositiveIntegerField(help_text="Empty until the document’s text has been read.", null=True, verbose_name="pages")),
                ("vector_store_id", models.CharField(blank=True, editable=False, max_length=100)),
                ("openai_file_id", models.CharField(blank=True, max_length=100)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("is_claimed", models.BooleanField(default=False, editable=False)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="accounts.account", verbose_name="account"),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                (
                    "replaced",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.proceduredocument",
                        verbose_name="replaced document",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="uploaded by"),
                ),
            ],
            options={
                "get_latest_by": "uploaded_at",
                "ordering": ["-uploaded_at"],
                "verbose_name": "procedure document",
                "verbose_name_plural": "procedure documents",
            },
        ),
        migrations.AddField(
            model_name="account",
            name="procedures",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.proceduredocument",
                verbose_name="procedures",
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
                ("page", models.PositiveIntegerField(help_text="First page, starting at 1. Empty for plain text.", null=True)),
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
                ("name", models.CharField(help_text="The system that uses this token.", max_length=100, verbose_name="name")),
                ("scopes", models.JSONField(default=list, help_text="What the token gives access to, such as sessions:read.", verbose_name="scopes")),
                ("digest", models.CharField(editable=False, help_text="SHA-256 of the secret.", max_length=64, unique=True)),
                (
                    "hint",
                    models.CharField(
                        editable=False, help_text="The first characters of the secret, to tell tokens apart.", max_length=12, verbose_name="starts with"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("expires_at", models.DateTimeField(blank=True, help_text="Leave blank for a token that never expires.", null=True, verbose_name="expires at")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used at")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked at")),
                ("acts_as", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("created_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="service_tokens", to="accounts.organization", verbose_name="organization"
                    ),
                ),
            ],
            options={"ordering": ["-created_at", "pk"], "verbose_name": "service token", "verbose_name_plural": "service tokens"},
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=500, verbose_name="URL")),
                ("events", models.JSONField(default=list, verbose_name="events")),
                ("secret", models.CharField(editable=False, max_length=100, verbose_name="secret")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("created_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="webhooks", to="accounts.organization", verbose_name="organization"
                    ),
                ),
            ],
            options={"ordering": ["-created_at", "pk"], "verbose_name": "webhook", "verbose_name_plural": "webhooks"},
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("session.completed", "Session completed"),
                            ("evaluation.ready", "Evaluation ready"),
                            ("assignment.completed", "Assignment completed"),
                        ],
                        max_length=40,
                    ),
                ),
                ("payload", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now, help_text="empty: given up, or delivered", null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("status", models.PositiveSmallIntegerField(help_text="HTTP status of the last response.", null=True)),
                ("failure", models.CharField(blank=True, max_length=200)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("webhook", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="accounts.webhook")),
            ],
            options={
                "ordering": ["-created_at", "pk"],
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
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
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("counselors", models.ManyToManyField(blank=True, related_name="cohorts", to=settings.AUTH_USER_MODEL, verbose_name="counselors")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cohorts", to="accounts.organization", verbose_name="organization"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "verbose_name": "cohort",
                "verbose_name_plural": "cohorts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "name"), name="cohort_name_once", violation_error_message="A cohort with this name already exists."
                    )
                ],
            },
        ),
    ]
