from typing import Any

from django.urls import reverse
from rest_framework import serializers

from scenarios.models import Mode
from training.models import Session, TranscriptTurn


class TurnSerializer(serializers.ModelSerializer[TranscriptTurn]):
    """A turn as it was heard; the text that nobody heard stays inside."""

    text = serializers.CharField(source="text_heard")
    final = serializers.BooleanField(source="is_final")
    interrupted = serializers.BooleanField(source="is_interrupted")
    after = serializers.SerializerMethodField()

    class Meta:
        model = TranscriptTurn
        fields = [
            "id",
            "revision",
            "item",
            "after",
            "role",
            "text",
            "final",
            "source",
            "interrupted",
            "start_ms",
            "end_ms",
        ]

    def get_after(self, turn: TranscriptTurn) -> str | None:
        return turn.after or None


class SessionSerializer(serializers.ModelSerializer[Session]):
    """A session for the one who practises: nothing of the prompt or of what is assessed."""

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
            "page",
            "started_at",
            "ended_at",
            "transcript",
        ]

    def get_page(self, session: Session) -> str:
        return reverse("session", args=[session.pk])


class StartSerializer(serializers.Serializer[Any]):
    """What a session begins with: an assignment, or free practice with or without a scenario of the library."""

    type = serializers.ChoiceField(choices=["assignment", "free_practice"])
    assignment_id = serializers.UUIDField(required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    scenario_id = serializers.UUIDField(required=False)
    focus = serializers.CharField(required=False, allow_blank=True, max_length=500)
    user_id = serializers.UUIDField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        needed = "assignment_id" if data["type"] == "assignment" else "mode"
        if needed not in data:
            raise serializers.ValidationError({needed: "This is needed here."})
        return data


class MessageSerializer(serializers.Serializer[Any]):
    content = serializers.CharField(max_length=10_000)


class TicketSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TurnsSerializer(serializers.Serializer[Any]):
    turns = TurnSerializer(many=True)
