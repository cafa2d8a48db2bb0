"""Serializers of drafts."""

from dataclasses import replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.procedures.unread_parts import explain_unread_parts
from accounts.web.serializers import StrictSerializer
from scenarios.api.serializers.fields import AccountField, LongTextField
from scenarios.api.serializers.scenarios import ScenarioDetailSerializer
from scenarios.models import ScenarioDraft
from scenarios.pii import PIIMatch
from scenarios.services.draft_sources import SourceFile, clean_draft_source, read_draft_source_file
from scenarios.services.drafts import MAX_INSTRUCTIONS_LENGTH, PII_CHECKED_FIELDS, dismissal, find_unresolved_pii


class DraftSummarySerializer(serializers.ModelSerializer[ScenarioDraft]):
    """A draft in a list, without the complaint."""

    class Meta:
        model = ScenarioDraft
        fields = [
            "id",
            "status",
            "failure",
            "title",
            "mode",
            "difficulty",
            "account",
            "scenario",
            "created_by",
            "created_at",
        ]

    def to_representation(self, instance: ScenarioDraft) -> dict[str, Any]:
        return super().to_representation(instance) | {"failure": instance.failure_text}


class PIIMatchSerializer(serializers.Serializer[Any]):
    """Details of a real person at text[start:end] of the field. Only uncertain matches can be dismissed."""

    field = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    kind = serializers.CharField(source="kind.value")
    is_certain = serializers.BooleanField(source="kind.is_certain")
    dismissal = serializers.SerializerMethodField(help_text=_("Send this in `dismissed` to dismiss the match."))

    def get_dismissal(self, found: PIIMatch) -> str:
        return dismissal(found)


class DraftSerializer(DraftSummarySerializer):
    skills: Any = serializers.StringRelatedField(many=True)
    personal = serializers.SerializerMethodField()
    unread = serializers.SerializerMethodField()

    class Meta(DraftSummarySerializer.Meta):
        fields = [
            *DraftSummarySerializer.Meta.fields,
            "source",
            "unread",
            "instructions",
            "description",
            "prompt",
            "evaluator_context",
            "skills",
            "relevant_policy_sections",
            "unproven_sections",
            "used_file_search",
            "personal",
        ]

    def get_unread(self, draft: ScenarioDraft) -> list[str]:
        """Return one sentence for each kind of part of the complaint's file that was not read."""
        return explain_unread_parts(draft.unread)

    @extend_schema_field(PIIMatchSerializer(many=True))
    def get_personal(self, draft: ScenarioDraft) -> Any:
        """Return the matches to remove or dismiss before saving. Empty unless the draft is ready to edit."""
        if draft.status != ScenarioDraft.Status.READY:
            return []
        fields = {name: getattr(draft, name) for name in PII_CHECKED_FIELDS}
        return PIIMatchSerializer(find_unresolved_pii(draft, fields), many=True).data


class InstructionsSerializer(StrictSerializer):
    instructions = LongTextField(
        required=False,
        allow_blank=True,
        max_length=MAX_INSTRUCTIONS_LENGTH,
        help_text=_("How to write the draft. The draft is also searched for names and numbers from this text."),
    )


class NewDraftSerializer(InstructionsSerializer, serializers.ModelSerializer[ScenarioDraft]):
    """A complaint, as text or file, and the options for its draft."""

    source = LongTextField(required=False)  # type: ignore[assignment]
    file = serializers.FileField(required=False, help_text=_("A .pdf, .txt, or .md file."))
    account = AccountField(allow_null=True, required=False)

    class Meta:
        model = ScenarioDraft
        fields = ["source", "file", "instructions", "account", "mode", "difficulty"]

    def validate_source(self, text: str) -> str:
        return clean_draft_source(text)

    def validate_file(self, file: UploadedFile) -> SourceFile:
        source = read_draft_source_file(file)
        return replace(source, text=clean_draft_source(source.text))

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("source" in data) == ("file" in data):
            raise serializers.ValidationError({"source": gettext("Send the complaint either as text or as a file.")})
        if "file" in data:
            file: SourceFile = data.pop("file")
            data["source"], data["unread"] = file.text, file.unread
        return data


class EditedDraftSerializer(ScenarioDetailSerializer):
    """The scenario to save from a draft. Omitted fields keep their drafted values."""

    dismissed = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        max_length=200,
        help_text=_("The `dismissal` of each match that is not about a real person."),
    )

    class Meta(ScenarioDetailSerializer.Meta):
        fields = [*ScenarioDetailSerializer.Meta.fields, "dismissed"]
