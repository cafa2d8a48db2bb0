"""Serializers for accounts, procedure documents, and sections."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, ProcedureDocument, ProcedureSection
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.procedures.uploads import MAX_NOTE_LENGTH
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer


class ProcedureDocumentSerializer(serializers.ModelSerializer[ProcedureDocument]):
    """One upload, without its vector store and file ids."""

    uploaded_by = serializers.CharField(source="uploaded_by.email")
    replaced = serializers.UUIDField(source="replaced_id", allow_null=True)
    pages = serializers.IntegerField(source="page_count", allow_null=True)
    unread = serializers.SerializerMethodField()
    confirmed_by = serializers.CharField(source="confirmed_by.email", default=None, allow_null=True)

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
            "unread",
            "confirmation_note",
            "confirmed_by",
            "confirmed_at",
            "instructions",
            "pages",
            "uploaded_by",
            "uploaded_at",
            "replaced",
        ]

    def get_unread(self, document: ProcedureDocument) -> list[str]:
        """Return one sentence for each kind of part that could not be read."""
        return explain_unread_parts(document.unread)


class AccountSerializer(serializers.ModelSerializer[Account]):
    """An account with its active procedure document and the status of the newest upload."""

    procedures = ProcedureDocumentSerializer(allow_null=True)
    procedures_status = serializers.SerializerMethodField()

    class Meta:
        model = Account
        fields = ["id", "name", "number", "procedures_status", "procedures"]

    def get_procedures_status(self, account: Account) -> str:
        """Return the status of the newest upload: `processing`, `unconfirmed`, `failed`, `ready`, or `none`."""
        return str(getattr(account, "newest_status", None) or "none")


class WholeAccountSerializer(AccountSerializer):
    history = ProcedureDocumentSerializer(source="documents", many=True)
    vector_store_id = serializers.SerializerMethodField()
    file_ids = serializers.SerializerMethodField()

    class Meta(AccountSerializer.Meta):
        fields = [*AccountSerializer.Meta.fields, "history", "vector_store_id", "file_ids"]

    def get_vector_store_id(self, account: Account) -> str | None:
        """Return the ID of the account's vector store at OpenAI, empty without one. Null for all but administrators."""
        return account.vector_store_id if self._may_trace else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField(), allow_null=True))
    def get_file_ids(self, account: Account) -> list[str] | None:
        """Return the IDs of the account's files at OpenAI, newest first. Null for all but administrators."""
        return account.openai_file_ids if self._may_trace else None

    @property
    def _may_trace(self) -> bool:
        return authenticated_user(self.context["request"]).has_perm("accounts.trace_account")


class ProceduresUploadSerializer(StrictSerializer):
    """Upload of a new document. `upload_procedures` checks it, as it does for the page."""

    procedures_file = serializers.FileField(allow_empty_file=True)


class ProceduresConfirmationSerializer(StrictSerializer):
    note = serializers.CharField(
        max_length=MAX_NOTE_LENGTH, help_text=_("How you know that this is the right document.")
    )


class SectionSerializer(serializers.ModelSerializer[ProcedureSection]):
    class Meta:
        model = ProcedureSection
        fields = ["number", "title", "page", "last_page"]


class SuggestSerializer(StrictSerializer):
    text = serializers.CharField(max_length=60_000)
