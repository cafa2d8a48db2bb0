from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from scenarios.models import ScenarioDraft
from scenarios.personal import Found
from scenarios.serializers.fields import AccountField, KnownFieldsOnly, LongTextField
from scenarios.serializers.scenarios import WholeScenarioSerializer
from scenarios.services.drafts import CHECKED, LONGEST_INSTRUCTIONS, dismissal, personal_left
from scenarios.services.sources import check_source, read_source_file


class DraftSummarySerializer(serializers.ModelSerializer[ScenarioDraft]):
    """A draft in a list: nothing of the complaint."""

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


class PersonalSerializer(serializers.Serializer[Any]):
    """Something of a real person, as text[start:end] of the field. Only what is not certain can be dismissed."""

    field = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    text = serializers.CharField()
    kind = serializers.CharField(source="kind.value")
    is_certain = serializers.BooleanField(source="kind.is_certain")
    dismissal = serializers.SerializerMethodField(help_text="what `dismissed` takes")

    def get_dismissal(self, found: Found) -> str:
        return dismissal(found)


class DraftSerializer(DraftSummarySerializer):
    skills: Any = serializers.StringRelatedField(many=True)
    personal = serializers.SerializerMethodField()

    class Meta(DraftSummarySerializer.Meta):
        fields = [
            *DraftSummarySerializer.Meta.fields,
            "source",
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

    @extend_schema_field(PersonalSerializer(many=True))
    def get_personal(self, draft: ScenarioDraft) -> Any:
        """While it is edited: what has to go before it can be saved, or be dismissed."""
        if draft.status != ScenarioDraft.Status.READY:
            return []
        fields = {name: getattr(draft, name) for name in CHECKED}
        return PersonalSerializer(personal_left(draft, fields), many=True).data


class InstructionsSerializer(KnownFieldsOnly):
    instructions = LongTextField(
        required=False,
        allow_blank=True,
        max_length=LONGEST_INSTRUCTIONS,
        help_text="how the draft should be; names and numbers in it are looked for in the draft, too",
    )


class NewDraftSerializer(InstructionsSerializer, serializers.ModelSerializer[ScenarioDraft]):
    """A complaint, pasted or as a file, and what is wanted of it."""

    source = LongTextField(required=False)  # type: ignore[assignment]
    file = serializers.FileField(required=False, help_text="PDF, .txt or .md")
    account = AccountField(allow_null=True, required=False)

    class Meta:
        model = ScenarioDraft
        fields = ["source", "file", "instructions", "account", "mode", "difficulty"]

    def validate_source(self, text: str) -> str:
        return check_source(text)

    def validate_file(self, file: UploadedFile) -> str:
        return check_source(read_source_file(file))

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("source" in data) == ("file" in data):
            raise serializers.ValidationError({"source": "Send the complaint as a text or as a file: one of them."})
        if "file" in data:
            data["source"] = data.pop("file")
        return data


class EditedDraftSerializer(WholeScenarioSerializer):
    """What a draft is saved as. What is not sent is taken as it was drafted."""

    dismissed = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        max_length=200,
        help_text="the `dismissal` of what was found and is nobody's",
    )

    class Meta(WholeScenarioSerializer.Meta):
        fields = [*WholeScenarioSerializer.Meta.fields, "dismissed"]
