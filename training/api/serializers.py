"""Serializers for sessions, turns, assignments, and one-time scenarios."""

from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
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
from scenarios.models import Mode, Scenario
from training.models import TERM_FIELDS, Assignment, Session, TranscriptTurn
from training.services.one_time_scenarios import check_due_date
from training.transcript import PublicTurn, public_turn


class TurnSerializer(serializers.ModelSerializer[TranscriptTurn]):
    """A turn as it was heard. Text that nobody heard is not included."""

    # Types for the schema. The values come from `public_turn`.
    after = serializers.CharField(read_only=True, allow_null=True)
    text = serializers.CharField()
    final = serializers.BooleanField()
    interrupted = serializers.BooleanField()

    class Meta:
        model = TranscriptTurn
        fields = ["id", *PublicTurn.__annotations__]

    def to_representation(self, turn: TranscriptTurn) -> dict[str, Any]:
        return {"id": str(turn.pk), **public_turn(turn.to_snapshot())}


class SessionSummarySerializer(serializers.ModelSerializer[Session]):
    """A session in a list, without its transcript."""

    external_id = serializers.CharField(source="counselor.external_id")
    title = serializers.CharField()
    page = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = [
            "id",
            "mode",
            "kind",
            "status",
            "end_reason",
            "title",
            "name",
            "page",
            "counselor",
            "external_id",
            "scenario",
            "assignment",
            "attempt",
            "score",
            "feeling",
            "feeling_note",
            "started_at",
            "ended_at",
        ]

    def get_page(self, session: Session) -> str:
        return reverse("evaluation:session", args=[session.pk])

    def to_representation(self, instance: Session) -> dict[str, Any]:
        """Leave out the feeling and its note unless the reader is the counselor or a supervisor."""
        shown = super().to_representation(instance)
        reader = self.context["request"].user
        if instance.counselor_id != reader.pk and not reader.has_perm("training.view_session"):
            return shown | {"feeling": None, "feeling_note": ""}
        return shown


class SessionSerializer(serializers.ModelSerializer[Session]):
    """A session for its counselor, without the prompt or the assessment criteria."""

    greeting = serializers.CharField(source="greeting_status")
    title = serializers.CharField()
    page = serializers.SerializerMethodField()
    transcript = TurnSerializer(many=True)

    class Meta:
        model = Session
        fields = [
            "id",
            "mode",
            "kind",
            "status",
            "end_reason",
            "greeting",
            "revision",
            "title",
            "name",
            "page",
            "counselor",
            "scenario",
            "assignment",
            "attempt",
            "score",
            "started_at",
            "ended_at",
            "transcript",
        ]

    def get_page(self, session: Session) -> str:
        return reverse("evaluation:session", args=[session.pk])


class StartSessionSerializer(StrictSerializer):
    """Request to start an assignment, free practice with or without a library scenario, or a trial."""

    type = serializers.ChoiceField(choices=Session.Kind.values)
    assignment_id = serializers.UUIDField(required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    scenario_id = serializers.UUIDField(required=False)
    focus = serializers.CharField(required=False, allow_blank=True, max_length=500)
    user_id = serializers.UUIDField(required=False)

    REQUIRED_FIELDS: ClassVar = {
        Session.Kind.ASSIGNMENT: ["assignment_id"],
        Session.Kind.FREE_PRACTICE: ["mode"],
        Session.Kind.TRIAL: ["mode", "scenario_id"],
    }

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in self.REQUIRED_FIELDS[data["type"]] if name not in data]
        if missing:
            raise serializers.ValidationError(dict.fromkeys(missing, gettext("This field is required.")))
        return data


class SessionNameSerializer(StrictSerializer):
    name = serializers.CharField(allow_blank=True, max_length=100)


class SessionFeelingSerializer(StrictSerializer):
    feeling = serializers.IntegerField(min_value=1, max_value=5, help_text=_("1 (very hard) to 5 (easy)"))
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class ChatMessageSerializer(StrictSerializer):
    content = serializers.CharField(max_length=10_000)


class CallTicketRequestSerializer(StrictSerializer):
    """Request for a ticket. To join a call in use, send `take_over` or the epoch that the page held (`held`)."""

    held = serializers.IntegerField(required=False, min_value=1)
    take_over = serializers.BooleanField(required=False, default=False)


class CallTicketSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ChatTurnsSerializer(serializers.Serializer[Any]):
    turns = TurnSerializer(many=True)


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
    require_recording = serializers.BooleanField(required=False)
    pass_mark = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=100)
    attempts_allowed = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=20)

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


class LibraryScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """What a counselor may know of a scenario before a session: never its prompt, facts, or assessment."""

    category = serializers.CharField(source="category.name", default=None, allow_null=True)

    class Meta:
        model = Scenario
        fields = [
            "id",
            "title",
            "description",
            "content_notes",
            "mode",
            "category",
            "difficulty",
            "estimated_minutes",
        ]
        read_only_fields = fields


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
