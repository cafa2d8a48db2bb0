"""API for accounts and their procedure documents."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.api.serializers import (
    AccountSerializer,
    ProceduresConfirmationSerializer,
    ProceduresUploadSerializer,
    SectionSerializer,
    SuggestSerializer,
    WholeAccountSerializer,
)
from accounts.integrations.scopes import CLOSED
from accounts.models import Account, AccountQuerySet, ProcedureDocument, ProcedureSection
from accounts.procedures.indexing import suggest_sections
from accounts.procedures.upload_validation import InvalidProceduresError
from accounts.procedures.uploads import confirm_procedures, retry_procedures, upload_procedures
from accounts.web.pagination import NameCursorPagination
from accounts.web.parsers import CleanMultiPartParser
from accounts.web.permissions import ChangePermission, RolePermission, ViewPermission
from accounts.web.prefer_header import preferred_wait
from accounts.web.request_inputs import without_body
from accounts.web.requests import JSONOnlyNegotiation, authenticated_user
from accounts.web.waiting import respond_when_done


@extend_schema_view(list=extend_schema(description="The organization's accounts, by name."))
class AccountViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Account]):
    """Accounts, and the procedure documents that their scenarios are graded against."""

    token_scope = CLOSED
    queryset = Account.objects.none()
    parser_classes = [CleanMultiPartParser, *APIView.parser_classes]
    pagination_class = NameCursorPagination
    content_negotiation_class = JSONOnlyNegotiation

    def get_permissions(self) -> list[BasePermission]:
        permissions = {"retry": ChangePermission, "confirm": ChangePermission, "suggest": ViewPermission}
        return [permissions.get(self.action, RolePermission)()]

    def get_queryset(self) -> AccountQuerySet:
        visible = Account.objects.for_user(authenticated_user(self.request)).with_procedures()
        return visible.prefetch_related(
            "documents__uploaded_by", "documents__confirmed_by", "procedures__uploaded_by", "procedures__confirmed_by"
        )

    def get_serializer_class(self) -> type[AccountSerializer]:
        return AccountSerializer if self.action == "list" else WholeAccountSerializer

    @extend_schema(
        request={"multipart/form-data": ProceduresUploadSerializer},
        responses={200: WholeAccountSerializer, 202: WholeAccountSerializer},
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Upload a procedure document. Return 202 with a `Location` to poll, or 200 if it is ready in time."""
        account = self.get_object()
        if unknown := set(request.data) - {"procedures_file"}:
            raise ValidationError({name: [_("You can change this only in the admin.")] for name in sorted(unknown)})
        serializer = ProceduresUploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            document = upload_procedures(
                account, serializer.validated_data["procedures_file"], authenticated_user(request)
            )
        except InvalidProceduresError as error:
            raise ValidationError({"procedures_file": [str(error)]}) from error
        return self._wait_and_respond(request, document)

    @extend_schema(request=None, responses={200: WholeAccountSerializer, 202: WholeAccountSerializer})
    @without_body
    def retry(self, request: Request, pk: UUID, document: UUID) -> Response:
        """Prepare a failed document again."""
        found = get_object_or_404(ProcedureDocument, account=self.get_object(), pk=document)
        retry_procedures(found, authenticated_user(request))
        return self._wait_and_respond(request, found)

    @extend_schema(
        request=ProceduresConfirmationSerializer,
        responses={200: WholeAccountSerializer, 202: WholeAccountSerializer},
    )
    def confirm(self, request: Request, pk: UUID, document: UUID) -> Response:
        """Use a document in spite of its warning. The note is kept in its history. 400 if it needs no confirmation."""
        found = get_object_or_404(ProcedureDocument, account=self.get_object(), pk=document)
        serializer = ProceduresConfirmationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not confirm_procedures(found, authenticated_user(request), serializer.validated_data["note"]):
            raise ValidationError({"note": [_("This document doesn’t need confirmation.")]})
        return self._wait_and_respond(request, found)

    @extend_schema(responses=SectionSerializer(many=True))
    def sections(self, request: Request, pk: UUID) -> Response:
        """Return the numbered sections of the active document."""
        sections = ProcedureSection.objects.for_user(authenticated_user(request)).active_for(self.get_object())
        return Response(SectionSerializer(sections, many=True).data)

    @extend_schema(request=SuggestSerializer, responses=SectionSerializer(many=True))
    def suggest(self, request: Request, pk: UUID) -> Response:
        """Return the sections that best match the text, best match first."""
        serializer = SuggestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found = suggest_sections(self.get_object(), serializer.validated_data["text"])
        return Response(SectionSerializer(found, many=True).data)

    def _wait_and_respond(self, request: Request, document: ProcedureDocument) -> Response:
        def is_finished() -> bool:
            document.refresh_from_db(fields=["status"])
            return not document.is_processing

        def respond(is_done: bool) -> Response:
            account = self.get_object()
            location = reverse("api:accounts:account_detail", args=[account.pk])
            status, headers = (200, {}) if is_done else (202, {"Location": location})
            return Response(
                WholeAccountSerializer(account, context=self.get_serializer_context()).data,
                status=status,
                headers=headers,
            )

        return respond_when_done(is_finished, respond, preferred_wait(request))
