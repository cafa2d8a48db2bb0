"""Tables of the `evaluation` app, in place of its eleven earlier migrations."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import evaluation.models.flags


class Migration(migrations.Migration):
    replaces = [
        ("evaluation", "0001_initial"),
        ("evaluation", "0002_comments"),
        ("evaluation", "0003_verdicts_with_proof"),
        ("evaluation", "0004_documentation"),
        ("evaluation", "0005_reports_disputes_and_tallies"),
        ("evaluation", "0006_what_is_known_already"),
        ("evaluation", "0007_flags_must_know_their_session"),
        ("evaluation", "0008_waiting_and_order"),
        ("evaluation", "0009_what_is_waiting"),
        ("evaluation", "0010_queues_in_order"),
        ("evaluation", "0011_flags_know_their_rank"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("scenarios", "0001_squashed"),
        ("training", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at_ms", models.PositiveIntegerField(help_text="Position in the recording, in milliseconds.")),
                ("text", models.TextField(max_length=2000, verbose_name="comment")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("author", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="training.session")),
            ],
            options={
                "ordering": ["at_ms", "created_at"],
            },
        ),
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "In progress"),
                            ("completed", "Completed"),
                            ("held", "Held for human review"),
                            ("too_short", "Too short to grade"),
                            ("not_gradable", "Can’t be graded"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                (
                    "failure",
                    models.CharField(
                        blank=True, help_text="Written for people. The cause is in the log.", max_length=200, verbose_name="reason without a grade"
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("model", models.CharField(blank=True, max_length=100, verbose_name="model")),
                ("prompt_version", models.CharField(blank=True, max_length=50, verbose_name="prompt version")),
                ("rubric_version", models.CharField(blank=True, max_length=50, verbose_name="rubric version")),
                ("transcript_hash", models.CharField(blank=True, max_length=64, verbose_name="transcript hash")),
                ("vector_store_id", models.CharField(blank=True, max_length=100)),
                ("file_ids", models.JSONField(default=list)),
                (
                    "used_file_search",
                    models.BooleanField(help_text="Empty if there were no procedures to search.", null=True, verbose_name="procedures searched"),
                ),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("latency_ms", models.PositiveIntegerField(help_text="From the first request to the model’s last answer.", null=True)),
                ("score", models.PositiveSmallIntegerField(help_text="0 to 100.", null=True, verbose_name="score")),
                ("grade", models.CharField(blank=True, max_length=1, verbose_name="grade")),
                ("capped_from", models.PositiveSmallIntegerField(help_text="Score before a crossed red line lowered it.", null=True)),
                ("reviewed_score", models.PositiveSmallIntegerField(help_text="Score with people’s verdicts. It replaces the computed score.", null=True)),
                ("reviewed_grade", models.CharField(blank=True, max_length=1)),
                ("needs_person", models.JSONField(default=list, help_text="Reasons why a person must review this.")),
                ("is_waiting", models.BooleanField(default=False, help_text="Needs human review, and no one has reviewed it yet.")),
                ("looked_at", models.DateTimeField(null=True)),
                ("alerted_at", models.DateTimeField(help_text="When supervisors were emailed about critical flags.", null=True)),
                ("announced_at", models.DateTimeField(help_text="When the counselor was emailed that it is ready.", null=True)),
                ("measures", models.JSONField(default=dict, help_text="Counts of the conversation.")),
                ("rationale", models.TextField(blank=True, verbose_name="summary")),
                ("went_well", models.JSONField(default=list)),
                ("improvements", models.JSONField(default=list)),
                ("learning_objective", models.TextField(blank=True, verbose_name="learning objective")),
                ("reflection_questions", models.JSONField(default=list)),
                ("document", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.proceduredocument")),
                ("looked_at_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("requested_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "session",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="evaluations", to="training.session", verbose_name="session"),
                ),
            ],
            options={
                "ordering": ["session", "-version"],
                "verbose_name": "evaluation",
                "verbose_name_plural": "evaluations",
                "indexes": [
                    models.Index(fields=["organization", "-completed_at", "-id"], name="evaluation_in_order"),
                    models.Index(fields=["organization", "-created_at", "id"], name="evaluation_as_asked"),
                    models.Index(fields=["organization", "status", "-completed_at"], name="evaluation_by_status"),
                    models.Index(condition=models.Q(("is_waiting", True)), fields=["organization", "completed_at"], name="evaluation_waiting"),
                    models.Index(condition=models.Q(("announced_at", None), ("status", "completed")), fields=["completed_at"], name="evaluation_unannounced"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("session", "version"), name="evaluation_version_once"),
                    models.UniqueConstraint(condition=models.Q(("status__in", ["queued", "running"])), fields=("session",), name="one_evaluation_under_way"),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status__in", ["completed", "held"]), _negated=True), ("score__range", (0, 100)), _connector="OR"),
                        name="graded_evaluations_have_a_score",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CriterionResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("key", models.CharField(max_length=60)),
                ("check_text", models.TextField(verbose_name="check")),
                ("branch", models.CharField(blank=True, help_text="Branch of the rubric.", max_length=30)),
                ("is_red_line", models.BooleanField(default=False)),
                ("source", models.CharField(choices=[("rubric", "Rubric"), ("scenario", "Scenario")], max_length=10)),
                ("weight", models.PositiveSmallIntegerField(default=1, verbose_name="weight")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("met", "Met"), ("not_met", "Not met"), ("not_applicable", "Not applicable"), ("no_evidence", "No evidence")],
                        max_length=20,
                        verbose_name="verdict",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("quotes", models.JSONField(default=list, help_text="[{turn, start, end, text}], with offsets in the turn’s text as heard.")),
                (
                    "citations",
                    models.JSONField(default=list, help_text="[{section, title, page, text}], each found in a search result and in the document."),
                ),
                (
                    "reviewed_verdict",
                    models.CharField(
                        blank=True,
                        choices=[("met", "Met"), ("not_met", "Not met"), ("not_applicable", "Not applicable"), ("no_evidence", "No evidence")],
                        max_length=20,
                    ),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("evaluation", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="criteria", to="evaluation.evaluation")),
            ],
            options={
                "ordering": ["evaluation", "position"],
                "verbose_name": "criterion",
                "verbose_name_plural": "criteria",
                "constraints": [models.UniqueConstraint(fields=("evaluation", "key"), name="criterion_once_per_evaluation")],
            },
        ),
        migrations.CreateModel(
            name="Flag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("jailbreak", "Attempt to break the simulation"),
                            ("inappropriate", "Inappropriate language"),
                            ("off_topic", "Off topic"),
                            ("personal_data", "Real personal information"),
                            ("gaming", "Attempt to influence the grade"),
                            ("role_confusion", "The caller took the counselor’s role"),
                            ("prompt_leakage", "The caller revealed its instructions"),
                            ("character_break", "The caller broke character"),
                            ("omitted_behaviour", "The caller left out something the scenario requires"),
                            ("invented_elements", "The caller invented something that is not in the scenario"),
                            ("difficulty_mismatch", "Easier or harder than the scenario’s difficulty"),
                            ("counselor_distress", "The counselor may need support"),
                            ("wrong_guidance", "Wrong guidance in the feedback"),
                            ("technical", "Technical problem"),
                            ("other", "Other"),
                        ],
                        max_length=60,
                        verbose_name="kind",
                    ),
                ),
                (
                    "severity",
                    models.CharField(choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")], max_length=10, verbose_name="severity"),
                ),
                ("rank", evaluation.models.flags.RankField(default=2, editable=False, help_text="Sort order: 0 is the most severe.")),
                (
                    "source",
                    models.CharField(
                        choices=[("grader", "Grader"), ("scan", "Independent scan"), ("rules", "Automatic rule"), ("counselor", "Reported by the counselor")],
                        default="grader",
                        max_length=10,
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="note")),
                ("turn", models.CharField(blank=True, help_text="ID of the quoted turn.", max_length=40)),
                ("quote", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "handling",
                    models.CharField(choices=[("pending", "Pending"), ("reviewed", "Reviewed"), ("dismissed", "Dismissed")], default="pending", max_length=10),
                ),
                ("handled_at", models.DateTimeField(null=True)),
                ("handled_note", models.CharField(blank=True, max_length=1000)),
                ("evaluation", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="evaluation.evaluation")),
                ("handled_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("reported_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="flags", to="training.session")),
            ],
            options={
                "ordering": ["evaluation", "pk"],
                "verbose_name": "flag",
                "verbose_name_plural": "flags",
                "indexes": [
                    models.Index(fields=["organization", "handling", "rank", "-created_at", "-id"], name="flag_queue"),
                    models.Index(fields=["organization", "-created_at", "id"], name="flag_in_order"),
                    models.Index(fields=["reported_by", "-created_at"], name="flag_of_reporter"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Guidelines",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("filename", models.CharField(max_length=200, verbose_name="file name")),
                ("text", models.TextField(verbose_name="text")),
                ("uploaded_at", models.DateTimeField(auto_now_add=True, verbose_name="uploaded")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="uploaded by"
                    ),
                ),
            ],
            options={
                "verbose_name": "documentation guidelines",
                "verbose_name_plural": "documentation guidelines",
                "ordering": ["-uploaded_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="DocumentationReview",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("filename", models.CharField(max_length=200)),
                ("text", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[("queued", "Queued"), ("running", "In progress"), ("completed", "Completed"), ("failed", "Failed")],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=200)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("prompt_version", models.CharField(blank=True, max_length=50)),
                ("transcript_hash", models.CharField(blank=True, max_length=64)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("accuracy", models.PositiveSmallIntegerField(help_text="0 to 100.", null=True)),
                ("compliance", models.PositiveSmallIntegerField(help_text="0 to 100. Empty without guidelines.", null=True)),
                ("overall", models.PositiveSmallIntegerField(help_text="0 to 100.", null=True)),
                ("summary", models.TextField(blank=True)),
                ("gaps", models.JSONField(default=list, help_text="Verified gaps: [{kind, severity, written, turn, said, note}].")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="documentation_review", to="training.session")),
                ("guidelines", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evaluation.guidelines")),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verdict", models.CharField(choices=[("agree", "Agree"), ("overrule", "Overrule")], max_length=10, verbose_name="verdict")),
                (
                    "new_verdict",
                    models.CharField(
                        blank=True,
                        choices=[("met", "Met"), ("not_met", "Not met"), ("not_applicable", "Not applicable")],
                        help_text="Required if you overrule a criterion.",
                        max_length=20,
                        verbose_name="new verdict",
                    ),
                ),
                ("reason", models.TextField(max_length=2000, verbose_name="reason")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "criterion",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reviews",
                        to="evaluation.criterionresult",
                        verbose_name="criterion",
                    ),
                ),
                ("evaluation", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="evaluation.evaluation")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                (
                    "reviewer",
                    models.ForeignKey(
                        editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="reviewer"
                    ),
                ),
            ],
            options={"ordering": ["created_at"], "verbose_name": "review", "verbose_name_plural": "reviews"},
        ),
        migrations.CreateModel(
            name="Scan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(choices=[("clean", "Clean"), ("flagged", "Flagged"), ("failed", "Failed")], max_length=10)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("prompt_version", models.CharField(blank=True, max_length=50)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("evaluation", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="scan", to="evaluation.evaluation")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
            ],
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("week", models.DateField(help_text="The Monday of the week.")),
                ("skill", models.CharField(blank=True, help_text="A branch of the rubric. Empty for the overall score.", max_length=30)),
                ("sessions", models.PositiveIntegerField(help_text="Graded sessions in which this applied.")),
                ("reached", models.PositiveIntegerField(help_text="Weight of the criteria met, or the sum of the scores for the overall score.")),
                ("possible", models.PositiveIntegerField(help_text="Weight of the criteria that applied, or 100 per session for the overall score.")),
                ("counselor", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("scenario", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scenarios.scenario")),
            ],
            options={
                "ordering": ["week"],
                "indexes": [models.Index(fields=["organization", "week"], name="tally_by_week")],
                "constraints": [
                    models.UniqueConstraint(fields=("counselor", "week", "skill"), name="tally_of_counselor_once"),
                    models.UniqueConstraint(fields=("scenario", "week"), name="tally_of_scenario_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("counselor", None), ("scenario__isnull", False), ("skill", "")),
                            models.Q(("counselor__isnull", False), ("scenario", None)),
                            _connector="OR",
                        ),
                        name="tally_of_one_thing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("reason", models.TextField(max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("counselor", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("criterion", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="dispute", to="evaluation.criterionresult")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
            ],
            options={
                "ordering": ["created_at"],
                "indexes": [
                    models.Index(fields=["organization", "answered_at", "created_at"], name="dispute_queue"),
                    models.Index(fields=["organization", "-created_at", "id"], name="dispute_in_order"),
                ],
            },
        ),
    ]
