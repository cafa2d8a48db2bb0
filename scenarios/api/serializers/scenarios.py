"""Serializers of scenarios and writing advice."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.services.rate_limits import UsageKind, spend
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer
from scenarios.api.serializers.checks import GradedCheckSerializer, LeftOutSerializer, preview_as_dict
from scenarios.api.serializers.fields import (
    AccountField,
    EvaluatorContextField,
    LongTextField,
    MessageField,
    NameRelatedField,
    SurveyField,
)
from scenarios.models import Category, Scenario, Skill
from scenarios.services.check_previews import preview_checks
from scenarios.services.evaluator_contexts import read_context_file
from scenarios.services.scenarios import create_scenario, update_scenario

_CHECK_FIELDS = ("checks", "checks_are_proposed", "checks_left_out")


class ProceduresSerializer(serializers.Serializer[Any]):
    filename = serializers.CharField()
    uploaded_at = serializers.DateTimeField()


class ScenarioSerializer(StrictSerializer, serializers.ModelSerializer[Scenario]):
    """A scenario in a list, with all columns of its row."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {models.TextField: LongTextField}

    category = NameRelatedField(queryset=Category.objects.all(), allow_null=True, required=False)
    skills = NameRelatedField(queryset=Skill.objects.all(), many=True, required=False)
    account = AccountField(allow_null=True, required=False)
    account_procedures = ProceduresSerializer(
        source="account.procedures", default=None, read_only=True, allow_null=True
    )

    visitor_survey = SurveyField(required=False)

    class Meta:
        model = Scenario
        fields = [
            "id",
            "title",
            "description",
            "content_notes",
            "visitor_survey",
            "prompt",
            "mode",
            "category",
            "difficulty",
            "estimated_minutes",
            "skills",
            "account",
            "account_procedures",
            "opens",
            "patience",
            "relevant_policy_sections",
            "is_one_time",
            "is_active",
            "created_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["created_by"]


class ScenarioDetailSerializer(ScenarioSerializer):
    """A single scenario with its evaluator context, which can be sent as text or as a file.

    Sessions that start now are graded on `checks`: the author's, or else those proposed from the context.
    """

    evaluator_context = EvaluatorContextField(required=False, allow_blank=True)
    checks = GradedCheckSerializer(many=True, read_only=True)
    checks_are_proposed = serializers.BooleanField(read_only=True)
    checks_left_out = LeftOutSerializer(many=True, read_only=True)
    context_file = serializers.FileField(required=False, write_only=True, help_text=_("A .txt or .md file in UTF-8."))

    class Meta(ScenarioSerializer.Meta):
        fields = [*ScenarioSerializer.Meta.fields, "evaluator_context", "context_file", *_CHECK_FIELDS]

    def to_representation(self, instance: Scenario) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown | preview_as_dict(preview_checks(instance.checks, shown["evaluator_context"]))

    def validate_context_file(self, file: UploadedFile) -> str:
        text = read_context_file(file)
        spend(UsageKind.UPLOADS, authenticated_user(self.context["request"]))
        return text

    def validate_is_one_time(self, value: bool) -> bool:
        if self.instance and value != self.instance.is_one_time:
            raise serializers.ValidationError(gettext("To change this, use promote/ or demote/."))
        return value

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "context_file" in data:
            if "evaluator_context" in data:
                raise serializers.ValidationError({"context_file": gettext("Send either text or a file, not both.")})
            data["evaluator_context"] = data.pop("context_file")
        return data

    def create(self, fields: dict[str, Any]) -> Scenario:
        author = authenticated_user(self.context["request"])
        context, skills = fields.pop("evaluator_context", ""), fields.pop("skills", [])
        return create_scenario(author.organization, author, fields, context, skills)[0]

    def update(self, scenario: Scenario, fields: dict[str, Any]) -> Scenario:
        context, skills = fields.pop("evaluator_context", None), fields.pop("skills", None)
        update_scenario(scenario, fields, context, skills, by=authenticated_user(self.context["request"]))
        return scenario


class PromotionSerializer(StrictSerializer):
    nothing_personal_left = serializers.BooleanField(required=False, default=False)

    def validate_nothing_personal_left(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError(
                gettext(
                    "Everyone in your organization will see this scenario. Check that it contains no personal "
                    "details, and then send true."
                )
            )
        return value


class LintSerializer(StrictSerializer, serializers.ModelSerializer[Scenario]):
    serializer_field_mapping = ScenarioSerializer.serializer_field_mapping
    evaluator_context = EvaluatorContextField(required=False, allow_blank=True, default="")

    class Meta:
        model = Scenario
        fields = ["prompt", "evaluator_context", "mode"]
        extra_kwargs = {"prompt": {"allow_blank": True}}


class AdviceSerializer(serializers.Serializer[Any]):
    """Advice on one weak passage, text[start:end] of the field. Both offsets are 0 if text is missing."""

    field = serializers.CharField()
    code = serializers.CharField()
    message = MessageField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()


class LintResultSerializer(serializers.Serializer[Any]):
    advice = AdviceSerializer(many=True)
