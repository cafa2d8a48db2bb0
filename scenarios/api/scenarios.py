"""API for the scenario library."""

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.web.created import LocatedCreateMixin
from accounts.web.pagination import TitleCursorPagination
from accounts.web.parsers import CleanMultiPartParser
from accounts.web.permissions import RolePermission
from accounts.web.request_inputs import query_parameters, without_body
from accounts.web.requests import JSONOnlyNegotiation, authenticated_user
from scenarios.api.errors import DetailedAPIError
from scenarios.api.filters import ScenarioFilterSet
from scenarios.api.serializers.scenarios import (
    LintResultSerializer,
    LintSerializer,
    PromotionSerializer,
    ScenarioDetailSerializer,
    ScenarioSerializer,
)
from scenarios.downloads import PACK_FORMATS, pack_headers, stream_pack
from scenarios.linting import lint_scenario
from scenarios.models import Scenario, ScenarioQuerySet
from scenarios.services import scenarios


class ScenarioInUseAPIError(DetailedAPIError):
    def __init__(self, error: scenarios.ScenarioInUseError) -> None:
        super().__init__(409, "in_use", str(error), assignments=error.assignments)


@extend_schema_view(list=extend_schema(description="List the scenarios of the library by title."))
class ScenarioViewSet(
    mixins.ListModelMixin,
    LocatedCreateMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Scenario],
):
    """Scenarios of the user's organization, for users who may read prompts."""

    token_scope = "scenarios"
    detail_url_name = "api:scenarios:detail"
    queryset = Scenario.objects.none()
    permission_classes = [RolePermission]
    parser_classes = [*APIView.parser_classes, CleanMultiPartParser]
    pagination_class = TitleCursorPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = ScenarioFilterSet
    content_negotiation_class = JSONOnlyNegotiation

    def get_queryset(self) -> ScenarioQuerySet:
        visible = Scenario.objects.for_user(authenticated_user(self.request))
        return visible.select_related("category", "account__procedures").prefetch_related("skills")

    def filter_queryset(self, queryset: ScenarioQuerySet) -> ScenarioQuerySet:  # type: ignore[override]
        """Apply filters to lists only: one-time scenarios are hidden from lists but can be fetched by id."""
        return queryset if "pk" in self.kwargs else super().filter_queryset(queryset)  # type: ignore[return-value]

    def get_object(self) -> Scenario:
        scenario = super().get_object()
        if self.action in {"partial_update", "promote", "demote"}:
            # These actions return the context. If it cannot be read, fail before writing anything.
            _ = scenario.evaluator_context
        return scenario

    def get_serializer_class(self) -> type[BaseSerializer[Scenario]]:
        return ScenarioSerializer if self.action == "list" else ScenarioDetailSerializer

    def perform_destroy(self, instance: Scenario) -> None:
        try:
            scenarios.delete_scenario(instance)
        except scenarios.ScenarioInUseError as error:
            raise ScenarioInUseAPIError(error) from error

    @extend_schema(request=PromotionSerializer, responses=ScenarioDetailSerializer)
    def promote(self, request: Request, pk: object) -> Response:
        """Add a one-time scenario to the library after the user has checked it for personal details."""
        scenario = self.get_object()
        PromotionSerializer(data=request.data).is_valid(raise_exception=True)
        scenarios.promote_scenario(scenario, authenticated_user(request))
        return Response(self.get_serializer(scenario).data)

    @extend_schema(request=None, responses=ScenarioDetailSerializer)
    @without_body
    def demote(self, request: Request, pk: object) -> Response:
        """Remove an unused scenario from the library. Respond 409 if it has been used."""
        scenario = self.get_object()
        try:
            scenarios.demote_scenario(scenario, authenticated_user(request))
        except scenarios.ScenarioInUseError as error:
            raise ScenarioInUseAPIError(error) from error
        return Response(self.get_serializer(scenario).data)

    @extend_schema(request=LintSerializer, responses=LintResultSerializer)
    def lint(self, request: Request) -> Response:
        """Return suggestions for improving the texts. Nothing is saved or blocked."""
        serializer = LintSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(LintResultSerializer({"advice": lint_scenario(**serializer.validated_data)}).data)

    @extend_schema(
        filters=True,
        parameters=[OpenApiParameter("as", str, enum=list(PACK_FORMATS), default="json")],
        responses={
            (200, kind): OpenApiTypes.OBJECT if kind == "application/json" else OpenApiTypes.STR
            for _write, _encoding, kind in PACK_FORMATS.values()
        },
    )
    @query_parameters("as", *ScenarioFilterSet.base_filters)
    def export(self, request: Request) -> HttpResponseBase:
        """Export the filtered scenarios as a pack that can be imported again unchanged."""
        kind = request.query_params.get("as", "json")
        if kind not in PACK_FORMATS:
            problem = _("Enter one of these: %(choices)s.")
            raise ValidationError({"as": problem % {"choices": ", ".join(PACK_FORMATS)}})
        found = self.filter_queryset(self.get_queryset())
        if request.method == "HEAD":
            return HttpResponse(headers=pack_headers(kind))
        return stream_pack(authenticated_user(request).organization, found, kind)
