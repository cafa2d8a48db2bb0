"""Serializers for accounts, procedure documents, and sections."""

from rest_framework import serializers

from accounts.models import Account, ProcedureDocument, ProcedureSection


class ProcedureDocumentSerializer(serializers.ModelSerializer[ProcedureDocument]):
    """One upload, without its vector store and file ids."""

    uploaded_by = serializers.CharField(source="uploaded_by.email")
    replaced = serializers.UUIDField(source="replaced_id", allow_null=True)
    pages = serializers.IntegerField(source="page_count", allow_null=True)

    class Meta:
        model = ProcedureDocument
        fields = [
            "id",
            "filename",
            "size",
            "sha256",
            "status",
            "failure",
            "warning",
            "instructions",
            "pages",
            "uploaded_by",
            "uploaded_at",
            "replaced",
        ]


class AccountSerializer(serializers.ModelSerializer[Account]):
    """An account with its active procedure document and the status of the newest upload."""

    procedures = ProcedureDocumentSerializer(allow_null=True)
    procedures_status = serializers.SerializerMethodField()

    class Meta:
        model = Account
        fields = ["id", "name", "number", "procedures_status", "procedures"]

    def get_procedures_status(self, account: Account) -> str:
        """Return the status of the newest upload: `processing`, `failed`, or `ready`. `none` if there is no upload."""
        return str(getattr(account, "newest_status", None) or "none")


class WholeAccountSerializer(AccountSerializer):
    history = ProcedureDocumentSerializer(source="documents", many=True)

    class Meta(AccountSerializer.Meta):
        fields = [*AccountSerializer.Meta.fields, "history"]


class ProceduresUploadSerializer(serializers.Serializer[Account]):
    """Upload of a new document. `upload_procedures` checks it, as it does for the page."""

    procedures_file = serializers.FileField(allow_empty_file=True)


class SectionSerializer(serializers.ModelSerializer[ProcedureSection]):
    class Meta:
        model = ProcedureSection
        fields = ["number", "title", "page", "last_page"]


class SuggestSerializer(serializers.Serializer[ProcedureSection]):
    text = serializers.CharField(max_length=60_000)
