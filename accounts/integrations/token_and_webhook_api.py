"""API for managing an organization's service tokens and webhooks."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.integrations.scopes import CLOSED, Scope
from accounts.integrations.service_tokens import issue_service_token, revoke_service_token
from accounts.integrations.webhooks import add_webhook, check_webhook
from accounts.models import Delivery, ServiceToken, Webhook, WebhookEvent
from accounts.web.created import LocatedCreateMixin, created_response
from accounts.web.pagination import StandardCursorPagination
from accounts.web.permissions import RolePermission
from accounts.web.reauthentication import has_confirmed_password
from accounts.web.request_inputs import query_parameters, without_body
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer


class ServiceTokenSerializer(serializers.ModelSerializer[ServiceToken]):
    """A service token without its secret. Only the first characters of the secret are kept, as `hint`."""

    class Meta:
        model = ServiceToken
        fields = ["id", "name", "scopes", "hint", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = ["hint", "created_at", "last_used_at", "revoked_at"]


class NewTokenSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.values), min_length=1, max_length=50)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class IssuedTokenSerializer(ServiceTokenSerializer):
    secret = serializers.CharField(help_text=gettext_lazy("Shown only in this response. Store it safely."))

    class Meta(ServiceTokenSerializer.Meta):
        fields = [*ServiceTokenSerializer.Meta.fields, "secret"]


class ServiceTokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ServiceToken]):
    """Tokens of external systems. Revoked tokens stay in the list as a record."""

    token_scope = CLOSED
    queryset = ServiceToken.objects.none()
    serializer_class = ServiceTokenSerializer
    permission_classes = [RolePermission]
    pagination_class = StandardCursorPagination

    def get_queryset(self) -> Any:
        return ServiceToken.objects.for_user(authenticated_user(self.request))

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """Issue a token. Only this response contains its secret. You must have confirmed your password recently."""
        if not has_confirmed_password(request._request):
            detail = _("Confirm your password at %(url)s, then send this request again.")
            raise PermissionDenied(detail % {"url": reverse("account_reauthenticate")}, "reauthentication_required")
        serializer = NewTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, secret = issue_service_token(authenticated_user(request), **serializer.validated_data)
        token.secret = secret  # type: ignore[attr-defined]
        return created_response(IssuedTokenSerializer(token).data, "api:accounts:service_token_detail", token.pk)

    @extend_schema(request=None, responses=ServiceTokenSerializer)
    @without_body
    def revoke(self, request: Request, pk: UUID) -> Response:
        """Revoke a token, so that it is no longer accepted."""
        token = self.get_object()
        revoke_service_token(token)
        token.refresh_from_db()
        return Response(ServiceTokenSerializer(token).data)


class WebhookSerializer(StrictSerializer, serializers.ModelSerializer[Webhook]):
    """A webhook. Deliveries are signed with its secret as specified by Standard Webhooks."""

    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WebhookEvent.choices), min_length=1, max_length=20
    )

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "is_active", "secret", "created_at"]
        read_only_fields = ["secret", "created_at"]

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        webhook = self.instance
        url, events = data.get("url", getattr(webhook, "url", "")), data.get("events", getattr(webhook, "events", []))
        try:
            check_webhook(url, events)
        except DjangoValidationError as error:
            raise ValidationError(get_error_detail(error)) from error
        return data

    def create(self, fields: dict[str, Any]) -> Webhook:
        return add_webhook(authenticated_user(self.context["request"]), fields["url"], fields["events"])


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    next_at = serializers.DateTimeField(
        source="available_at",
        required=False,
        allow_null=True,
        help_text=gettext_lazy("Empty once the event is delivered or abandoned."),
    )

    class Meta:
        model = Delivery
        fields = [
            "id", "event", "payload", "created_at", "attempts", "next_at", "delivered_at", "status", "failure",
        ]  # fmt: skip


class WebhookViewSet(
    mixins.ListModelMixin,
    LocatedCreateMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Webhook],
):
    """URLs that receive events."""

    token_scope = "webhooks"
    detail_url_name = "api:accounts:webhook_detail"
    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer
    permission_classes = [RolePermission]
    pagination_class = StandardCursorPagination

    def get_queryset(self) -> Any:
        return Webhook.objects.for_user(authenticated_user(self.request))

    @extend_schema(responses=DeliverySerializer(many=True))
    @query_parameters("cursor", "page_size")
    def deliveries(self, request: Request, pk: UUID) -> Response:
        """Return the deliveries and their results, newest first."""
        hook = self.get_object()
        rows = Delivery.objects.for_user(authenticated_user(request)).filter(webhook=hook).order_by("-created_at", "pk")
        paginator = StandardCursorPagination()
        page = paginator.paginate_queryset(rows, request, self)
        return paginator.get_paginated_response(DeliverySerializer(page or [], many=True).data)
