"""Serializers for sessions, turns, assignments, and one-time scenarios."""

from typing import Any, ClassVar

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.web.serializers import StrictSerializer
from scenarios.models import Mode, Scenario
from training.models import Session, TranscriptTurn
from training.transcript import PublicTurn, public_turn

WARM_UP = "warm_up"  # type of request that starts a warm-up call; its session is a trial


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
    """Request to start an assignment, free practice with or without a library scenario, a trial, or a warm-up call."""

    type = serializers.ChoiceField(choices=[*Session.Kind.values, WARM_UP])
    assignment_id = serializers.UUIDField(required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    scenario_id = serializers.UUIDField(required=False)
    focus = serializers.CharField(required=False, allow_blank=True, max_length=500)
    user_id = serializers.UUIDField(required=False)

    REQUIRED_FIELDS: ClassVar = {
        Session.Kind.ASSIGNMENT: ["assignment_id"],
        Session.Kind.FREE_PRACTICE: ["mode"],
        Session.Kind.TRIAL: ["mode", "scenario_id"],
        WARM_UP: [],
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


class LibraryScenarioSerializer(serializers.ModelSerializer[Scenario]):
    """What a counselor may know of a scenario before a session: never its prompt, facts, or assessment."""

    category = serializers.CharField(source="category.name", default=None, allow_null=True)
    attempts = serializers.IntegerField(
        help_text=_("How often the user has taken it. Stopped conversations do not count.")
    )
    best_score = serializers.IntegerField(
        allow_null=True, help_text=_("Best score of the user, 0 to 100. Feedback held for human review does not count.")
    )

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
            "attempts",
            "best_score",
        ]
        read_only_fields = fields
