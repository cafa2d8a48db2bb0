"""Serializers for the checks that a scenario is graded on."""

from typing import Any

from rest_framework import serializers

from scenarios.services.check_previews import CheckPreview


class GradedCheckSerializer(serializers.Serializer[Any]):
    """One thing to assess."""

    text = serializers.CharField()
    weight = serializers.IntegerField(min_value=1, max_value=3)
    expected = serializers.CharField()
    phrases = serializers.ListField(child=serializers.CharField())


class LeftOutSerializer(serializers.Serializer[Any]):
    """A line of the evaluator context that is not graded."""

    line = serializers.IntegerField()
    text = serializers.CharField()
    reason = serializers.CharField()


def preview_as_dict(preview: CheckPreview) -> dict[str, Any]:
    return {
        "checks": preview.checks,
        "checks_are_proposed": preview.is_proposed,
        "checks_left_out": preview.left_out,
    }
