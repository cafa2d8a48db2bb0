"""Serializers for feedback and its criteria."""

from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from accounts.models import ProcedureDocument
from evaluation.models import CriterionResult, Evaluation
from evaluation.reports.final_feedback import build_final_feedback


class CriterionSerializer(serializers.ModelSerializer[CriterionResult]):
    check = serializers.CharField(source="check_text")

    class Meta:
        model = CriterionResult
        fields = [
            "key",
            "check",
            "source",
            "branch",
            "is_red_line",
            "weight",
            "verdict",
            "reviewed_verdict",
            "final_verdict",
            "reason",
            "quotes",
            "citations",
        ]

    def to_representation(self, instance: CriterionResult) -> dict[str, Any]:
        return super().to_representation(instance) | {"check": instance.title, "reason": instance.reason_text}


class GradedDocumentSerializer(serializers.ModelSerializer[ProcedureDocument]):
    version = serializers.IntegerField(help_text=gettext_lazy("Number of the upload among the account’s, from 1."))

    class Meta:
        model = ProcedureDocument
        fields = ["id", "filename", "version", "uploaded_at"]


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """Feedback as the counselor reads it: no flags, no author's notes, and nothing that needs human review first."""

    criteria = CriterionSerializer(many=True)
    criteria_met = serializers.IntegerField(read_only=True, default=None, allow_null=True)
    criteria_counted = serializers.IntegerField(
        read_only=True, default=None, allow_null=True, help_text=gettext_lazy("Criteria that apply.")
    )
    first_to_look_at = serializers.CharField(
        read_only=True, default="", help_text=gettext_lazy("The weightiest criterion that was missed.")
    )
    document = GradedDocumentSerializer(
        allow_null=True, help_text=gettext_lazy("The procedures that were searched. Null if none were.")
    )
    without_procedures_reason = serializers.CharField(
        source="without_procedures_text", help_text=gettext_lazy("Why it was graded without procedures, in a sentence.")
    )

    class Meta:
        model = Evaluation
        fields = [
            "id",
            "version",
            "status",
            "failure",
            "score",
            "grade",
            "capped_from",
            "reviewed_score",
            "reviewed_grade",
            "final_score",
            "final_grade",
            "criteria_met",
            "criteria_counted",
            "first_to_look_at",
            "measures",
            "rationale",
            "went_well",
            "improvements",
            "learning_objective",
            "reflection_questions",
            "used_file_search",
            "without_procedures",
            "without_procedures_reason",
            "document",
            "rubric_version",
            "prompt_version",
            "model",
            "created_at",
            "completed_at",
            "criteria",
        ]

    def to_representation(self, instance: Evaluation) -> dict[str, Any]:
        prefetch_related_objects([instance], "criteria")
        shown = super().to_representation(instance) | {
            **(_final_fields(instance) if instance.is_graded else {}),
            "failure": instance.failure_text,
            "used_file_search": instance.searched_procedures,
        }
        if instance.is_hidden_from(self.context["reader"]):
            return {name: value if name in _SHOWN_WHEN_HELD else None for name, value in shown.items()}
        return shown


def _final_fields(evaluation: Evaluation) -> dict[str, Any]:
    """Return the counts and words that hold after people's reviews."""
    final = build_final_feedback(evaluation, list(evaluation.criteria.all()))
    return {
        "criteria_met": final.met,
        "criteria_counted": final.counted,
        "first_to_look_at": final.first_to_look_at,
        "capped_from": final.capped_from,
        "rationale": final.rationale,
        "learning_objective": final.learning_objective,
        "went_well": final.went_well,
        "improvements": final.improvements,
    }


_SHOWN_WHEN_HELD = {"id", "version", "status", "created_at"}
