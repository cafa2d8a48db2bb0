from rest_framework import serializers

from evaluation.models import CriterionResult, Evaluation


class CriterionSerializer(serializers.ModelSerializer[CriterionResult]):
    check = serializers.CharField(source="check_text")

    class Meta:
        model = CriterionResult
        fields = ["key", "check", "source", "weight", "verdict", "reason", "quotes", "citations"]


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """Feedback as the counselor reads it: no flags, no author's notes."""

    criteria = CriterionSerializer(many=True)

    class Meta:
        model = Evaluation
        fields = [
            "id",
            "version",
            "status",
            "failure",
            "score",
            "grade",
            "rationale",
            "went_well",
            "improvements",
            "learning_objective",
            "reflection_questions",
            "used_file_search",
            "created_at",
            "completed_at",
            "criteria",
        ]
