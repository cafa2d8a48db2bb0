from django.http import HttpResponse, HttpResponseBase
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.http import AnyAccept, person
from accounts.paging import PagesByTitle
from accounts.permissions import RolePermission
from scenarios.api.answers import Refusal
from scenarios.downloads import FORMATS, pack_headers, pack_of
from scenarios.filters import ScenarioFilter
from scenarios.linting import advise
from scenarios.models import Scenario, ScenarioQuerySet
from scenarios.serializers.scenarios import (
    LintedSerializer,
    LintSerializer,
    PromotionSerializer,
    ScenarioSerializer,
    WholeScenarioSerializer,
)
from scenarios.services import library


class InUse(Refusal):
    def __init__(self, error: library.ScenarioInUse) -> None:
        super().__init__(409, "in_use", str(error), assignments=error.assignments)


@extend_schema_view(list=extend_schema(description="The library, by title."))
class ScenarioViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Scenario],
):
    """Scenarios of one's organization, for those who may read prompts."""

    queryset = Scenario.objects.none()
    permission_classes = [RolePermission]
    parser_classes = [*APIView.parser_classes, MultiPartParser]
    pagination_class = PagesByTitle
    filter_backends = [DjangoFilterBackend]
    filterset_class = ScenarioFilter
    content_negotiation_class = AnyAccept

    def get_queryset(self) -> ScenarioQuerySet:
        seen = Scenario.objects.for_user(person(self.request))
        return seen.select_related("category", "account__procedures").prefetch_related("skills")

    def filter_queryset(self, queryset: ScenarioQuerySet) -> ScenarioQuerySet:  # type: ignore[override]
        """Filters are for lists: a one-time scenario is in none, and has an address all the same."""
        return queryset if "pk" in self.kwargs else super().filter_queryset(queryset)  # type: ignore[return-value]

    def get_object(self) -> Scenario:
        scenario = super().get_object()
        if self.action in {"partial_update", "promote", "demote"}:
            # These show it in their answer: where it cannot be read, nothing is written.
            _ = scenario.evaluator_context
        return scenario

    def get_serializer_class(self) -> type[BaseSerializer[Scenario]]:
        return ScenarioSerializer if self.action == "list" else WholeScenarioSerializer

    def perform_destroy(self, instance: Scenario) -> None:
        try:
            library.delete_scenario(instance)
        except library.ScenarioInUse as error:
            raise InUse(error) from error

    @extend_schema(request=PromotionSerializer, responses=WholeScenarioSerializer)
    def promote(self, request: Request, pk: object) -> Response:
        """Take a one-time scenario into the library, by one who has looked that nothing personal is left."""
        scenario = self.get_object()
        PromotionSerializer(data=request.data).is_valid(raise_exception=True)
        library.promote(scenario)
        return Response(self.get_serializer(scenario).data)

    @extend_schema(request=None, responses=WholeScenarioSerializer)
    def demote(self, request: Request, pk: object) -> Response:
        """Take a scenario that nobody has used out of the library. Used: 409."""
        scenario = self.get_object()
        try:
            library.demote(scenario)
        except library.ScenarioInUse as error:
            raise InUse(error) from error
        return Response(self.get_serializer(scenario).data)

    @extend_schema(request=LintSerializer, responses=LintedSerializer)
    def lint(self, request: Request) -> Response:
        """What could be written better. Advice only: nothing is kept or stopped."""
        form = LintSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(LintedSerializer({"advice": advise(**form.validated_data)}).data)

    @extend_schema(
        filters=True,
        parameters=[OpenApiParameter("as", str, enum=list(FORMATS), default="json")],
        responses={(200, kind): OpenApiTypes.BINARY for _, _, kind in FORMATS.values()},
    )
    def export(self, request: Request) -> HttpResponseBase:
        """A pack of the scenarios that the filters let through, to be imported again as it is."""
        kind = request.query_params.get("as", "json")
        if kind not in FORMATS:
            raise ValidationError({"as": f"One of {', '.join(FORMATS)} is wanted here."})
        found = self.filter_queryset(self.get_queryset())
        if request.method == "HEAD":
            return HttpResponse(headers=pack_headers(kind))
        return pack_of(person(request).organization, found, kind)
