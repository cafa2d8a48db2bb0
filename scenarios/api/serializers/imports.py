"""Serializers of imports."""

from typing import Any

from rest_framework import serializers

from scenarios.api.serializers.fields import AccountLookupField, StrictSerializer
from scenarios.models import ImportJob


class ImportOptionsSerializer(StrictSerializer):
    """Import options, sent as the query string."""

    partial = serializers.BooleanField(  # type: ignore[assignment]
        default=False, help_text="write the valid rows although others are not"
    )
    update = serializers.BooleanField(  # type: ignore[assignment]
        default=False, help_text="change what is there to what the pack says"
    )
    create_categories = serializers.BooleanField(default=False, help_text="add categories that are not there yet")
    dry_run = serializers.BooleanField(default=False, help_text="only say what would become of each row")
    account = AccountLookupField(default=None, help_text="number or id, for rows that name no account")


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


class RowErrorSerializer(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    line = serializers.IntegerField()
    column = serializers.IntegerField(allow_null=True)
    field = serializers.CharField()
    message = serializers.CharField()
    title = serializers.CharField()


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
        ]
