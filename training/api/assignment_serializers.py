"""Serializers of assignments, and of scenarios that are created with them."""

from datetime import date
from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.models import User
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer
from scenarios.api.serializers.drafts import EditedDraftSerializer
from scenarios.api.serializers.fields import EvaluatorContextField
from scenarios.api.serializers.scenarios import ScenarioDetailSerializer, ScenarioSerializer
from scenarios.models import Mode
from training.models import TERM_FIELDS, Assignment
from training.services.one_time_scenarios import check_due_date

DEFAULT_OF_CENTER = _("If a new assignment omits this, it gets the center’s default, which is none unless it is set.")


class OneTimeScenarioSerializer(ScenarioSerializer):
    """A scenario written for specific counselors, without the library settings."""

    evaluator_context = EvaluatorContextField(required=False, allow_blank=True)

    class Meta(ScenarioSerializer.Meta):
        fields = [
            "title",
            "description",
            "content_notes",
            "visitor_survey",
            "prompt",
            "evaluator_context",
            "mode",
            "category",
            "difficulty",
            "estimated_minutes",
            "skills",
            "account",
            "opens",
            "patience",
            "relevant_policy_sections",
        ]


class AssignmentTermsSerializer(StrictSerializer):
    """Due date, pass mark, and other terms of an assignment."""

    due_date = serializers.DateField(required=False, allow_null=True)
    notes = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    require_recording = serializers.BooleanField(required=False, help_text=DEFAULT_OF_CENTER)
    pass_mark = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=100, help_text=DEFAULT_OF_CENTER
    )
    attempts_allowed = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=20, help_text=DEFAULT_OF_CENTER
    )

    def validate_due_date(self, due_date: date | None) -> date | None:
        check_due_date(due_date)
        return due_date


class AssignToCounselorsSerializer(AssignmentTermsSerializer):
    """Counselors for a new scenario, with the terms."""

    counselors = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=50)

    def validate_counselors(self, ids: list[UUID]) -> list[User]:
        colleagues = User.objects.for_user(authenticated_user(self.context["request"]))
        known = colleagues.filter(role=User.Role.COUNSELOR, is_active=True).in_bulk(ids)
        unknown = [pk for pk in ids if pk not in known]
        if unknown:
            raise serializers.ValidationError([gettext("Unknown ID: %(id)s.") % {"id": pk} for pk in unknown])
        return [known[pk] for pk in ids]


class OneTimeAssignmentSerializer(AssignToCounselorsSerializer):
    """A one-time scenario with its counselors."""

    scenario = OneTimeScenarioSerializer()


class AssignableDraftSerializer(AssignToCounselorsSerializer, EditedDraftSerializer):
    """Edited fields of a draft and its assignment. Fields that are not sent keep their drafted values."""

    counselors = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50)

    class Meta(EditedDraftSerializer.Meta):
        fields = [*EditedDraftSerializer.Meta.fields, "counselors", *TERM_FIELDS]

    def validate_counselors(self, ids: list[UUID]) -> list[User]:
        """Check the permission first: to those who may not assign, every counselor would be an unknown ID."""
        if ids:
            self._check_can_assign()
        return super().validate_counselors(ids)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("is_one_time"):
            self._check_can_assign()
        if not data.get("counselors"):
            if data.get("is_one_time"):
                raise serializers.ValidationError(
                    {"counselors": gettext("Send at least one counselor for a one-time scenario.")}
                )
            if any(data.get(name) for name in TERM_FIELDS):
                raise serializers.ValidationError(
                    {"counselors": gettext("Send the counselors that these assignment details are for.")}
                )
        return super().validate(data)

    def _check_can_assign(self) -> None:
        if not authenticated_user(self.context["request"]).has_perm("training.add_assignment"):
            raise PermissionDenied(gettext("You don’t have permission to assign scenarios."))


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    title = serializers.CharField(source="scenario.title")
    description = serializers.CharField(source="scenario.description")
    content_notes = serializers.CharField(source="scenario.content_notes")
    mode = serializers.ChoiceField(source="scenario.mode", choices=Mode.choices)
    passed = serializers.BooleanField(source="is_passed", allow_null=True, help_text=_("null until the first grade"))
    is_overdue = serializers.BooleanField()
    is_declined = serializers.BooleanField()

    class Meta:
        model = Assignment
        fields = [
            "id",
            "counselor",
            "scenario",
            "title",
            "description",
            "content_notes",
            "mode",
            "due_date",
            "notes",
            "require_recording",
            "pass_mark",
            "attempts_allowed",
            "status",
            "score",
            "passed",
            "is_overdue",
            "is_declined",
            "created_at",
            "completed_at",
        ]
        read_only_fields = fields


class OneTimeAssignmentResultSerializer(serializers.Serializer[Any]):
    scenario = ScenarioSerializer()
    assignments = AssignmentSerializer(many=True)


class SavedDraftSerializer(ScenarioDetailSerializer):
    """The scenario made from a draft, with its assignments."""

    assignments = AssignmentSerializer(many=True)

    class Meta(ScenarioDetailSerializer.Meta):
        fields = [*ScenarioDetailSerializer.Meta.fields, "assignments"]
