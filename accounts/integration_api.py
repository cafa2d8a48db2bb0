"""Where an organization's admin lets outside systems in, and says what they are told."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.http import person
from accounts.models import Delivery, Event, ServiceToken, Webhook
from accounts.paging import Pages
from accounts.permissions import RolePermission
from accounts.services.webhooks import add_webhook, check_webhook
from accounts.tokens import SCOPES, issue_service_token, revoke_service_token


class ServiceTokenSerializer(serializers.ModelSerializer[ServiceToken]):
    """A token without its secret, of which only the beginning is kept."""

    class Meta:
        model = ServiceToken
        fields = ["id", "name", "scopes", "hint", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = ["hint", "created_at", "last_used_at", "revoked_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(SCOPES)), min_length=1, max_length=50)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class IssuedTokenSerializer(ServiceTokenSerializer):
    secret = serializers.CharField(help_text="shown this once; keep it")

    class Meta(ServiceTokenSerializer.Meta):
        fields = [*ServiceTokenSerializer.Meta.fields, "secret"]


class ServiceTokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ServiceToken]):
    """Tokens of outside systems. Deleting one revokes it; the row stays, for who asks later."""

    queryset = ServiceToken.objects.none()
    serializer_class = ServiceTokenSerializer
    permission_classes = [RolePermission]
    pagination_class = Pages

    def get_queryset(self) -> Any:
        return ServiceToken.objects.for_user(person(self.request))

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        """A new token. Its secret stands in this answer and nowhere else."""
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        token, secret = issue_service_token(person(request), **form.validated_data)
        token.secret = secret  # type: ignore[attr-defined]
        return Response(IssuedTokenSerializer(token).data, status=201)

    @extend_schema(request=None, responses=ServiceTokenSerializer)
    def revoke(self, request: Request, pk: UUID) -> Response:
        """Nothing is let in with it any more."""
        token = self.get_object()
        revoke_service_token(token)
        token.refresh_from_db()
        return Response(ServiceTokenSerializer(token).data)


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """What is sent is signed as Standard Webhooks asks for, with this secret."""

    events = serializers.ListField(child=serializers.ChoiceField(choices=Event.choices), min_length=1, max_length=20)

    class Meta:
        model = Webhook
        fields = ["id", "url", "events", "is_active", "secret", "created_at"]
        read_only_fields = ["secret", "created_at"]

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        there = self.instance
        url, events = data.get("url", getattr(there, "url", "")), data.get("events", getattr(there, "events", []))
        try:
            check_webhook(url, events)
        except DjangoValidationError as error:
            raise ValidationError(get_error_detail(error)) from error
        return data

    def create(self, fields: dict[str, Any]) -> Webhook:
        return add_webhook(person(self.context["request"]), fields["url"], fields["events"])


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = [
            "id", "event", "payload", "created_at", "attempts", "next_at", "delivered_at", "status", "failure",
        ]  # fmt: skip


class WebhookViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Webhook],
):
    """Addresses that are told of events."""

    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer
    permission_classes = [RolePermission]
    pagination_class = Pages

    def get_queryset(self) -> Any:
        return Webhook.objects.for_user(person(self.request))

    @extend_schema(responses=DeliverySerializer(many=True))
    def deliveries(self, request: Request, pk: UUID) -> Response:
        """What was sent, newest first, and what became of it."""
        hook = self.get_object()
        rows = Delivery.objects.for_user(person(request)).filter(webhook=hook).order_by("-created_at", "pk")
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self)
        return pages.get_paginated_response(DeliverySerializer(page or [], many=True).data)
