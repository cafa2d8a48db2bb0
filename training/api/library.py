"""API for the scenarios that a counselor may practice without an assignment."""

from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.models import Feature
from accounts.services.features import require_feature
from accounts.web.pagination import TitleCursorPagination
from accounts.web.requests import authenticated_user
from scenarios.models import Difficulty, Mode, Scenario, ScenarioQuerySet
from training.api.serializers import LibraryScenarioSerializer
from training.models import mentions, with_own_results


class LibraryFilter(filters.FilterSet):
    mode = filters.ChoiceFilter(choices=Mode.choices)
    difficulty = filters.ChoiceFilter(choices=Difficulty.choices)
    category = filters.CharFilter(field_name="category__name", help_text=_("Name of a category."))
    search = filters.CharFilter(
        method="with_text", help_text=_("Searches the title, the description, the content note, and the category.")
    )

    class Meta:
        model = Scenario
        fields: list[str] = []

    def with_text(self, queryset: ScenarioQuerySet, name: str, value: str) -> ScenarioQuerySet:
        return queryset.filter(mentions(value))


@extend_schema_view(list=extend_schema(description="List the scenarios for free practice by title."))
class LibraryViewSet(ReadOnlyModelViewSet[Scenario]):
    """Scenarios for free practice, as counselors see them. Start one with `POST /api/sessions/`."""

    token_scope = "sessions"
    queryset = Scenario.objects.none()
    serializer_class = LibraryScenarioSerializer
    pagination_class = TitleCursorPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = LibraryFilter

    def get_queryset(self) -> ScenarioQuerySet:
        user = authenticated_user(self.request)
        require_feature(user.organization, Feature.FREE_PRACTICE)
        return with_own_results(Scenario.objects.playable_by(user), user).select_related("category")

    def filter_queryset(self, queryset: ScenarioQuerySet) -> ScenarioQuerySet:  # type: ignore[override]
        return queryset if "pk" in self.kwargs else super().filter_queryset(queryset)  # type: ignore[return-value]
