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
                ("at_ms", models.PositiveIntegerField(help_text="on the recording's clock")),
                ("text", models.TextField(max_length=2000)),
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
                ("version", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("held", "held for a person"),
                            ("too_short", "too short"),
                            ("not_gradable", "not gradable"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("failure", models.CharField(blank=True, help_text="fit for people; the cause stands in the log", max_length=200)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("prompt_version", models.CharField(blank=True, max_length=50)),
                ("rubric_version", models.CharField(blank=True, max_length=50)),
                ("transcript_hash", models.CharField(blank=True, max_length=64)),
                ("vector_store_id", models.CharField(blank=True, max_length=100)),
                ("file_ids", models.JSONField(default=list)),
                ("used_file_search", models.BooleanField(help_text="empty: there were no procedures to search", null=True)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("latency_ms", models.PositiveIntegerField(help_text="from the question to the model's answer", null=True)),
                ("score", models.PositiveSmallIntegerField(help_text="0 to 100", null=True)),
                ("grade", models.CharField(blank=True, max_length=1)),
                ("capped_from", models.PositiveSmallIntegerField(help_text="the score that a crossed red line took", null=True)),
                ("reviewed_score", models.PositiveSmallIntegerField(help_text="with what people overruled; it counts", null=True)),
                ("reviewed_grade", models.CharField(blank=True, max_length=1)),
                ("needs_person", models.JSONField(default=list, help_text="why a person must look: see Concern")),
                ("is_waiting", models.BooleanField(default=False, help_text="needs a person, and nobody has looked at it")),
                ("looked_at", models.DateTimeField(null=True)),
                ("alerted_at", models.DateTimeField(help_text="when supervisors were written to about critical flags", null=True)),
                ("announced_at", models.DateTimeField(help_text="when its counselor was written to that it is ready", null=True)),
                ("measures", models.JSONField(default=dict, help_text="what was counted, see evaluation.reports.measures")),
                ("rationale", models.TextField(blank=True)),
                ("went_well", models.JSONField(default=list)),
                ("improvements", models.JSONField(default=list)),
                ("learning_objective", models.TextField(blank=True)),
                ("reflection_questions", models.JSONField(default=list)),
                ("document", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.proceduredocument")),
                ("looked_at_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("requested_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("session", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="evaluations", to="training.session")),
            ],
            options={
                "ordering": ["session", "-version"],
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
                ("check_text", models.TextField()),
                ("branch", models.CharField(blank=True, help_text="of the rubric", max_length=30)),
                ("is_red_line", models.BooleanField(default=False)),
                ("source", models.CharField(choices=[("rubric", "Rubric"), ("scenario", "Scenario")], max_length=10)),
                ("weight", models.PositiveSmallIntegerField(default=1)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("met", "Met"), ("not_met", "not met"), ("not_applicable", "not applicable"), ("no_evidence", "no evidence")], max_length=20
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("quotes", models.JSONField(default=list, help_text="[{turn, start, end, text}], offsets in the turn's text as heard")),
                (
                    "citations",
                    models.JSONField(default=list, help_text="[{section, title, page, text}], each found in what the search returned and in the document"),
                ),
                (
                    "reviewed_verdict",
                    models.CharField(
                        blank=True,
                        choices=[("met", "Met"), ("not_met", "not met"), ("not_applicable", "not applicable"), ("no_evidence", "no evidence")],
                        max_length=20,
                    ),
                ),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("evaluation", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="criteria", to="evaluation.evaluation")),
            ],
            options={
                "ordering": ["evaluation", "position"],
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
                            ("jailbreak", "tries to break the simulation"),
                            ("inappropriate", "inappropriate language"),
                            ("off_topic", "off topic"),
                            ("personal_data", "real personal data"),
                            ("gaming", "tries to steer the grading"),
                            ("role_confusion", "the caller took the counselor's part"),
                            ("prompt_leakage", "the caller revealed its instructions"),
                            ("character_break", "the caller fell out of its part"),
                            ("omitted_behaviour", "the caller left out what the scenario asks for"),
                            ("invented_elements", "the caller invented what the scenario does not hold"),
                            ("difficulty_mismatch", "easier or harder than the scenario says"),
                            ("counselor_distress", "the counselor may need support"),
                            ("wrong_guidance", "the feedback gives wrong guidance"),
                            ("technical", "a technical problem"),
                            ("other", "something else"),
                        ],
                        max_length=60,
                    ),
                ),
                ("severity", models.CharField(choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")], max_length=10)),
                ("rank", evaluation.models.flags.RankField(default=2, editable=False, help_text="of the severity, 0 for the gravest: a queue is read by it")),
                (
                    "source",
                    models.CharField(
                        choices=[("grader", "Grader"), ("scan", "independent scan"), ("rules", "Rules"), ("counselor", "reported by the counselor")],
                        default="grader",
                        max_length=10,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("turn", models.CharField(blank=True, help_text="the turn that it rests on", max_length=40)),
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
                ("filename", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("uploaded_at", models.DateTimeField(auto_now_add=True)),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("uploaded_by", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
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
                        choices=[("queued", "Queued"), ("running", "Running"), ("completed", "Completed"), ("failed", "Failed")],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("failure", models.CharField(blank=True, max_length=200)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
                ("completed_at", models.DateTimeField(null=True)),
                ("model", models.CharField(blank=True, max_length=100)),
                ("prompt_version", models.CharField(blank=True, max_length=50)),
                ("transcript_hash", models.CharField(blank=True, max_length=64)),
                ("input_tokens", models.PositiveIntegerField(null=True)),
                ("output_tokens", models.PositiveIntegerField(null=True)),
                ("accuracy", models.PositiveSmallIntegerField(help_text="0 to 100", null=True)),
                ("compliance", models.PositiveSmallIntegerField(help_text="0 to 100; empty without guidelines", null=True)),
                ("overall", models.PositiveSmallIntegerField(help_text="0 to 100", null=True)),
                ("summary", models.TextField(blank=True)),
                ("gaps", models.JSONField(default=list, help_text="[{kind, severity, written, turn, said, note}], each verified")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("session", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="documentation_review", to="training.session")),
                ("guidelines", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evaluation.guidelines")),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("verdict", models.CharField(choices=[("agree", "Agree"), ("overrule", "Overrule")], max_length=10)),
                (
                    "new_verdict",
                    models.CharField(
                        blank=True,
                        choices=[("met", "Met"), ("not_met", "not met"), ("not_applicable", "not applicable")],
                        help_text="what the criterion should be, where it is overruled",
                        max_length=20,
                        verbose_name="should be",
                    ),
                ),
                ("reason", models.TextField(max_length=2000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "criterion",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="evaluation.criterionresult"
                    ),
                ),
                ("evaluation", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reviews", to="evaluation.evaluation")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")),
                ("reviewer", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "ordering": ["created_at"],
            },
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
                ("week", models.DateField(help_text="its Monday")),
                ("skill", models.CharField(blank=True, help_text="a branch of the rubric; empty: the whole score", max_length=30)),
                ("sessions", models.PositiveIntegerField(help_text="graded ones that have something to say about it")),
                ("reached", models.PositiveIntegerField(help_text="the weight of what is met; of a whole: the sum of scores")),
                ("possible", models.PositiveIntegerField(help_text="the weight of what applies; of a whole: 100 for each session")),
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
