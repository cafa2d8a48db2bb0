from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recordings.models import Recording


class RecordingSerializer(serializers.ModelSerializer[Recording]):
    counselor = serializers.UUIDField(source="session.counselor_id", read_only=True)
    scenario = serializers.UUIDField(source="session.scenario_id", read_only=True, allow_null=True)
    title = serializers.CharField(source="session.title", read_only=True)
    started_at = serializers.DateTimeField(source="session.started_at", read_only=True)
    download = serializers.SerializerMethodField(help_text=_("Null while there is no file."))

    class Meta:
        model = Recording
        fields = [
            "id",
            "session",
            "counselor",
            "scenario",
            "title",
            "started_at",
            "state",
            "reason",
            "duration_ms",
            "size",
            "sha256",
            "channels",
            "counselor_speech_ms",
            "caller_speech_ms",
            "download",
        ]
        read_only_fields = fields

    def to_representation(self, instance: Recording) -> dict[str, Any]:
        return super().to_representation(instance) | {"reason": instance.reason_text}

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_download(self, recording: Recording) -> str | None:
        return reverse("api:recordings:recording_download", args=[recording.pk]) if recording.is_playable else None


class RecordingLinkSerializer(serializers.Serializer[dict[str, object]]):
    url = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)
