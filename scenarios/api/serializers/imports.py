"""Serializers of imports."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.web.serializers import StrictSerializer
from scenarios.api.serializers.checks import GradedCheckSerializer, LeftOutSerializer, preview_as_dict
from scenarios.api.serializers.fields import AccountLookupField
from scenarios.models import ImportJob, ImportRow


class ImportOptionsSerializer(StrictSerializer):
    """Import options, sent as the query string."""

    partial = serializers.BooleanField(  # type: ignore[assignment]
        default=False, help_text=_("Import the valid rows even if others are invalid.")
    )
    update = serializers.BooleanField(  # type: ignore[assignment]
        default=False, help_text=_("Update existing scenarios with the same title.")
    )
    create_categories = serializers.BooleanField(default=False, help_text=_("Add categories that don’t exist yet."))
    dry_run = serializers.BooleanField(default=False, help_text=_("Only report what would happen to each row."))
    account = AccountLookupField(default=None, help_text=_("Number or ID of the account for rows that don’t name one."))


class PackSerializer(StrictSerializer):
    file = serializers.FileField()


class ImportJobSerializer(serializers.ModelSerializer[ImportJob]):
    class Meta:
        model = ImportJob
        fields = [
            "id",
            "status",
            "failure",
            "source",
            "filename",
            "total",
            "written",
            "ignored_columns",
            "new_categories",
            "created_at",
            "finished_at",
        ]

    def to_representation(self, instance: ImportJob) -> dict[str, Any]:
        return super().to_representation(instance) | {"failure": instance.failure_text}


class RowProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    message = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)


class RowErrorSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    line = serializers.IntegerField()
    column = serializers.IntegerField(allow_null=True)
    field = serializers.CharField()
    message = serializers.CharField()
    title = serializers.CharField()


class DryRunRowSerializer(serializers.Serializer[Any]):
    """The outcome that one row would have. A scenario without checks is graded on general criteria only."""

    row = serializers.IntegerField(source="number")
    line = serializers.IntegerField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=ImportRow.Outcome.choices)
    problems = RowProblemSerializer(many=True)
    checks = GradedCheckSerializer(many=True, required=False)
    checks_are_proposed = serializers.BooleanField(required=False)
    checks_left_out = LeftOutSerializer(many=True, required=False)

    def to_representation(self, instance: ImportRow) -> dict[str, Any]:
        shown = {name: getattr(instance, name) for name in ("line", "title", "outcome", "problems")}
        preview = self.context["previews"].get(instance.pk)
        return {"row": instance.number} | shown | (preview_as_dict(preview) if preview else {})


class ErrorGroupSerializer(serializers.Serializer[Any]):
    """One problem and the numbers of all rows that have it."""

    field = serializers.CharField()
    message = serializers.CharField()
    rows = serializers.ListField(child=serializers.IntegerField())


class ImportResultSerializer(ImportJobSerializer):
    """An import and the outcome of its rows so far."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    skipped = serializers.IntegerField()
    invalid = serializers.IntegerField()
    created_titles = serializers.ListField(child=serializers.CharField())
    updated_titles = serializers.ListField(child=serializers.CharField())
    skipped_titles = serializers.ListField(child=serializers.CharField())
    errors = RowErrorSerializer(many=True)  # type: ignore[assignment]
    error_groups = ErrorGroupSerializer(many=True)
    missing_categories = serializers.ListField(
        child=serializers.CharField(), help_text=_("Categories that `create_categories=true` would add.")
    )
    rows = DryRunRowSerializer(many=True, required=False, help_text=_("Only with `dry_run`: every row."))

    class Meta(ImportJobSerializer.Meta):
        fields = [
            *ImportJobSerializer.Meta.fields,
            "created",
            "updated",
            "skipped",
            "invalid",
            "created_titles",
            "updated_titles",
            "skipped_titles",
            "errors",
            "error_groups",
            "missing_categories",
            "rows",
        ]

    def to_representation(self, instance: ImportJob) -> dict[str, Any]:
        """Return the job's fields and those of the `ImportSummary` in the context."""
        return ImportJobSerializer(instance).data | asdict(self.context["summary"])
