"""API for the counselors and cohorts of an organization, and for the user's own profile."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import api_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.integrations.scopes import CLOSED, token_scope
from accounts.models import Cohort, User, UserQuerySet
from accounts.services.people import create_cohort, update_cohort
from accounts.web.created import LocatedCreateMixin
from accounts.web.pagination import NameCursorPagination, StandardCursorPagination
from accounts.web.permissions import RolePermission
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = User
        fields = ["id", "name", "email", "external_id", "first_name", "last_name"]


class MeSerializer(StrictSerializer, PersonSerializer):
    """The signed-in user's profile and email notification settings."""

    role = serializers.CharField(read_only=True)

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "role", "mail_assigned", "mail_due_soon", "mail_feedback"]
        read_only_fields = ["email", "external_id", "first_name", "last_name"]


@extend_schema(methods=["GET"], responses=MeSerializer)
@extend_schema(methods=["PATCH"], request=MeSerializer, responses=MeSerializer)
@token_scope(CLOSED)
@api_view(["GET", "HEAD", "PATCH"])
def me(request: Request) -> Response:
    """Return or change the signed-in user's profile and email notification settings."""
    if request.method != "PATCH":
        return Response(MeSerializer(authenticated_user(request)).data)
    serializer = MeSerializer(authenticated_user(request), data=request.data, partial=True)
    serializer.is_valid(raise_exception=True)
    return Response(MeSerializer(serializer.save()).data)


class PeopleFilter(filters.FilterSet):
    search = filters.CharFilter(
        method="filter_search", help_text=gettext_lazy("Start of a name, part of an email address, or an external ID.")
    )
    external_id = filters.CharFilter(field_name="external_id", lookup_expr="exact")
    cohort = filters.UUIDFilter(field_name="cohorts", help_text=gettext_lazy("ID of a cohort."))

    class Meta:
        model = User
        fields: list[str] = []

    def filter_search(self, queryset: UserQuerySet, name: str, value: str) -> UserQuerySet:
        return queryset.matching(value)


class PeopleCursorPagination(StandardCursorPagination):
    ordering = ("last_name", "id")


class ViewPeoplePermission(BasePermission):
    """Permission to list people, held by everyone who may view cohorts."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user.has_perm("accounts.view_cohort"))


class PeopleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """The counselors of the user's organization."""

    token_scope = "people"
    queryset = User.objects.none()
    serializer_class = PersonSerializer
    permission_classes = [ViewPeoplePermission]
    pagination_class = PeopleCursorPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = PeopleFilter

    def get_queryset(self) -> Any:
        return User.objects.for_user(authenticated_user(self.request)).counselors()


class CohortSummarySerializer(serializers.ModelSerializer[Cohort]):
    """A cohort in a list, without its members, who may be many thousands in all."""

    size = serializers.SerializerMethodField(help_text=gettext_lazy("Number of counselors."))

    class Meta:
        model = Cohort
        fields = ["id", "name", "size", "created_at"]

    def get_size(self, cohort: Cohort) -> int:
        return getattr(cohort, "size", None) or cohort.counselors.count()


class MembersField(serializers.ListField):
    """IDs of a cohort's counselors."""

    child = serializers.UUIDField()

    def get_attribute(self, instance: Cohort) -> list[UUID]:
        return list(instance.counselors.order_by("pk").values_list("pk", flat=True))


class CohortSerializer(StrictSerializer, CohortSummarySerializer):
    counselors = MembersField(required=False, max_length=2000)

    class Meta(CohortSummarySerializer.Meta):
        fields = [*CohortSummarySerializer.Meta.fields, "counselors"]

    def validate_name(self, name: str) -> str:
        same = Cohort.objects.for_user(authenticated_user(self.context["request"])).filter(name=name)
        if (same.exclude(pk=self.instance.pk) if self.instance else same).exists():
            raise serializers.ValidationError(_("A cohort with this name already exists."))
        return name

    def validate_counselors(self, ids: list[UUID]) -> list[User]:
        known = User.objects.for_user(authenticated_user(self.context["request"])).counselors().in_bulk(ids)
        if unknown := [pk for pk in ids if pk not in known]:
            message = _("No active counselor has the ID %(id)s.")
            raise serializers.ValidationError([message % {"id": pk} for pk in unknown])
        return list(known.values())

    def create(self, fields: dict[str, Any]) -> Cohort:
        counselors = fields.pop("counselors", [])
        return create_cohort(authenticated_user(self.context["request"]).organization, counselors, **fields)

    def update(self, cohort: Cohort, fields: dict[str, Any]) -> Cohort:
        counselors = fields.pop("counselors", None)
        update_cohort(cohort, counselors, **fields)
        if counselors is not None:
            cohort.size = len(counselors)  # type: ignore[attr-defined]
        return cohort


class CohortViewSet(
    mixins.ListModelMixin,
    LocatedCreateMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Cohort],
):
    """Named groups of counselors. List the members of one with `/api/people/?cohort=`."""

    token_scope = "people"
    detail_url_name = "api:accounts:cohort_detail"
    queryset = Cohort.objects.none()
    serializer_class = CohortSerializer
    permission_classes = [RolePermission]
    pagination_class = NameCursorPagination

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Cohort]]:
        return CohortSummarySerializer if self.action == "list" else CohortSerializer

    def get_queryset(self) -> Any:
        return Cohort.objects.for_user(authenticated_user(self.request)).with_size()
