"""Tables of the `scenarios` app, in place of its ten earlier migrations."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import scenarios.models.scenarios


class Migration(migrations.Migration):
    replaces = [
        ("scenarios", "0001_initial"),
        ("scenarios", "0002_title_key_added"),
        ("scenarios", "0003_title_key_filled"),
        ("scenarios", "0004_title_key_required"),
        ("scenarios", "0005_imports_and_drafts"),
        ("scenarios", "0006_prompt_says_something"),
        ("scenarios", "0007_patience"),
        ("scenarios", "0008_checks"),
        ("scenarios", "0009_content_notes"),
        ("scenarios", "0010_visitor_survey"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="categories", to="accounts.organization")),
            ],
            options={
                "ordering": ["name"],
                "verbose_name": "category",
                "verbose_name_plural": "categories",
                "constraints": [models.UniqueConstraint(fields=("organization", "name"), name="category_once")],
            },
        ),
        migrations.CreateModel(
            name="ImportJob",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "source",
                    models.CharField(choices=[("page", "Import page"), ("api", "API"), ("command", "Command line")], max_length=10, verbose_name="source"),
                ),
                ("filename", models.CharField(blank=True, max_length=255, verbose_name="file name")),
                ("sha256", models.CharField(max_length=64)),
                ("idempotency_key", models.CharField(blank=True, max_length=255)),
                ("may_update", models.BooleanField(default=False)),
                ("creates_categories", models.BooleanField(default=False)),
                ("is_partial", models.BooleanField(default=False, help_text="Valid rows are imported even if others are invalid.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("checking", "Checking"),
                            ("checked", "Ready to import"),
                            ("forgotten", "Being deleted"),
                            ("queued", "Waiting to start"),
                            ("running", "Importing"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        default="checking",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=500)),
                ("ignored_columns", models.JSONField(default=list)),
                ("new_categories", models.JSONField(default=list, help_text="Names of the categories that this import adds.")),
                ("total", models.PositiveIntegerField(default=0, help_text="Number of rows in the file.", verbose_name="rows")),
                ("invalid", models.PositiveIntegerField(default=0, help_text="Number of rows that can’t be imported.", verbose_name="invalid")),
                ("to_write", models.PositiveIntegerField(default=0, help_text="Number of rows that are new or changed.")),
                ("written", models.PositiveIntegerField(default=0, help_text="Number of new or changed rows that are done.", verbose_name="done")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("claims", models.PositiveIntegerField(default=0, help_text="which worker's it is: each claim counts up")),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        help_text="The account of rows that don’t name one.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="uploaded by"
                    ),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="imports", to="accounts.organization")),
            ],
            options={
                "ordering": ["-created_at"],
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        fields=("organization", "idempotency_key"),
                        name="one_import_per_idempotency_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("line", models.PositiveIntegerField()),
                ("title", models.CharField(blank=True, max_length=255)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("changed", "Will be updated"),
                            ("duplicate", "Already exists"),
                            ("invalid", "Invalid"),
                            ("created", "Created"),
                            ("updated", "Updated"),
                        ],
                        max_length=10,
                    ),
                ),
                ("values", models.JSONField(default=dict, help_text="The values to write. Emptied once they are written.")),
                ("problems", models.JSONField(default=list, help_text="Field, message, line, and column of each problem.")),
                ("job", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="scenarios.importjob")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
            ],
            options={
                "ordering": ["job", "number"],
                "verbose_name": "import row",
                "verbose_name_plural": "import rows",
                "constraints": [models.UniqueConstraint(fields=("job", "number"), name="import_row_once")],
            },
        ),
        migrations.CreateModel(
            name="Scenario",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=255, verbose_name="title")),
                ("title_key", scenarios.models.scenarios.TitleKeyField(editable=False, max_length=64)),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        help_text="Counselors can read this.",
                        validators=[django.core.validators.MaxLengthValidator(1000)],
                        verbose_name="description",
                    ),
                ),
                (
                    "prompt",
                    models.TextField(
                        help_text="Describes the caller. Only the simulated caller gets this text.",
                        validators=[django.core.validators.MaxLengthValidator(10000), scenarios.models.scenarios.validate_not_blank],
                        verbose_name="prompt",
                    ),
                ),
                ("mode", models.CharField(choices=[("phone", "Phone"), ("chat", "Chat")], default="phone", max_length=10, verbose_name="mode")),
                (
                    "difficulty",
                    models.CharField(
                        choices=[("beginner", "Beginner"), ("intermediate", "Intermediate"), ("advanced", "Advanced"), ("expert", "Expert")],
                        default="intermediate",
                        max_length=20,
                        verbose_name="difficulty",
                    ),
                ),
                (
                    "estimated_minutes",
                    models.PositiveSmallIntegerField(
                        default=15,
                        validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(120)],
                        verbose_name="estimated minutes",
                    ),
                ),
                (
                    "visitor_survey",
                    models.JSONField(blank=True, default=dict, help_text="What the visitor filled in before a chat.", verbose_name="visitor’s survey"),
                ),
                (
                    "content_notes",
                    models.CharField(
                        blank=True,
                        help_text="Topics that may be hard for a counselor, such as “suicide of a child.” Counselors read this before they start and can decline.",
                        max_length=300,
                        verbose_name="content notes",
                    ),
                ),
                (
                    "opens",
                    models.CharField(
                        blank=True,
                        choices=[("caller", "Caller"), ("counselor", "Counselor")],
                        help_text="If empty, the caller starts a chat and the counselor starts a phone call.",
                        max_length=10,
                        verbose_name="who speaks first",
                    ),
                ),
                (
                    "patience",
                    models.CharField(
                        choices=[("patient", "Patient (tolerates long silences)"), ("normal", "Normal"), ("brisk", "Brisk (speaks up quickly)")],
                        default="normal",
                        help_text="How much silence the caller tolerates on the phone before answering or speaking up.",
                        max_length=10,
                        verbose_name="patience",
                    ),
                ),
                (
                    "evaluator_context_file",
                    models.FileField(blank=True, editable=False, max_length=200, upload_to=scenarios.models.scenarios.evaluator_context_key),
                ),
                (
                    "relevant_policy_sections",
                    models.TextField(blank=True, validators=[django.core.validators.MaxLengthValidator(2000)], verbose_name="relevant policy sections"),
                ),
                (
                    "checks",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="The checks as edited by the author. If empty, they are proposed from the evaluator context.",
                        verbose_name="checks",
                    ),
                ),
                ("is_one_time", models.BooleanField(default=False, verbose_name="one-time")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        help_text="Leave blank for the whole organization. The scenario is then graded against general criteria.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scenarios",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="scenarios",
                        to="scenarios.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="scenarios", to="accounts.organization")),
            ],
            options={
                "ordering": ["title", "pk"],
                "verbose_name": "scenario",
                "verbose_name_plural": "scenarios",
                "indexes": [
                    models.Index(fields=["organization", "title_key"], name="scenario_title_key"),
                    models.Index(fields=["organization", "title", "id"], name="scenario_in_order"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("estimated_minutes__range", (5, 120))), name="minutes_between_5_and_120"),
                    models.CheckConstraint(condition=models.Q(("title", ""), _negated=True), name="scenario_has_a_title"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScenarioVersion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("digest", models.CharField(help_text="SHA-256 of the fields below", max_length=64)),
                ("title", models.CharField(max_length=255)),
                ("description", models.TextField(blank=True)),
                ("content_notes", models.CharField(blank=True, max_length=300)),
                ("visitor_survey", models.JSONField(default=dict)),
                ("prompt", models.TextField()),
                ("mode", models.CharField(choices=[("phone", "Phone"), ("chat", "Chat")], max_length=10)),
                (
                    "difficulty",
                    models.CharField(
                        choices=[("beginner", "Beginner"), ("intermediate", "Intermediate"), ("advanced", "Advanced"), ("expert", "Expert")], max_length=20
                    ),
                ),
                (
                    "opens",
                    models.CharField(
                        blank=True, choices=[("caller", "Caller"), ("counselor", "Counselor")], help_text="If empty, the mode decides.", max_length=10
                    ),
                ),
                (
                    "patience",
                    models.CharField(
                        choices=[("patient", "Patient (tolerates long silences)"), ("normal", "Normal"), ("brisk", "Brisk (speaks up quickly)")],
                        default="normal",
                        max_length=10,
                    ),
                ),
                ("evaluator_context", models.TextField(blank=True)),
                ("relevant_policy_sections", models.TextField(blank=True)),
                ("checks", models.JSONField(default=list, help_text="Fixed when the version is created.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("account", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("scenario", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="versions", to="scenarios.scenario")),
            ],
            options={
                "ordering": ["scenario", "number"],
                "verbose_name": "scenario version",
                "verbose_name_plural": "scenario versions",
                "constraints": [models.UniqueConstraint(fields=("scenario", "number"), name="version_number_once")],
            },
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="skills", to="accounts.organization")),
            ],
            options={
                "ordering": ["name"],
                "verbose_name": "skill",
                "verbose_name_plural": "skills",
                "constraints": [models.UniqueConstraint(fields=("organization", "name"), name="skill_once")],
            },
        ),
        migrations.CreateModel(
            name="ScenarioDraft",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("source", models.TextField(blank=True, help_text="The complaint. It is cleared when the draft is saved or discarded.")),
                ("instructions", models.TextField(blank=True)),
                ("mode", models.CharField(choices=[("phone", "Phone"), ("chat", "Chat")], default="phone", max_length=10, verbose_name="mode")),
                (
                    "difficulty",
                    models.CharField(
                        choices=[("beginner", "Beginner"), ("intermediate", "Intermediate"), ("advanced", "Advanced"), ("expert", "Expert")],
                        default="intermediate",
                        max_length=20,
                        verbose_name="difficulty",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("writing", "Being written"),
                            ("ready", "Ready to edit"),
                            ("failed", "Failed"),
                            ("saved", "Saved"),
                            ("discarded", "Discarded"),
                        ],
                        default="writing",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=500)),
                ("title", models.CharField(blank=True, max_length=255)),
                ("description", models.TextField(blank=True)),
                ("prompt", models.TextField(blank=True)),
                ("evaluator_context", models.TextField(blank=True)),
                ("relevant_policy_sections", models.TextField(blank=True)),
                ("unproven_sections", models.JSONField(default=list, help_text="Suggested sections that were not found in the procedures.")),
                ("used_file_search", models.BooleanField(null=True)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "account",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account", verbose_name="account"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="created by"
                    ),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="drafts", to="accounts.organization")),
                ("scenario", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="scenarios.scenario")),
                ("skills", models.ManyToManyField(blank=True, related_name="+", to="scenarios.skill")),
            ],
            options={
                "verbose_name": "draft from a complaint",
                "verbose_name_plural": "drafts from complaints",
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddField(
            model_name="scenario",
            name="skills",
            field=models.ManyToManyField(blank=True, related_name="scenarios", to="scenarios.skill", verbose_name="skills"),
        ),
    ]
