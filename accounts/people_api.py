"""Counselors and cohorts of an organization, for who assigns to them."""

from typing import Any
from uuid import UUID

from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import api_view
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.filters import StrictFilterSet
from accounts.http import person
from accounts.models import Cohort, User, UserQuerySet
from accounts.paging import Pages, PagesByName
from accounts.permissions import RolePermission


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(source="__str__", read_only=True)

    class Meta:
        model = User
        fields = ["id", "name", "email", "external_id", "first_name", "last_name"]


class MeSerializer(PersonSerializer):
    """Oneself, and which mails one wants."""

    role = serializers.CharField(read_only=True)

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "role", "mail_assigned", "mail_due_soon", "mail_feedback"]
        read_only_fields = ["email", "external_id", "first_name", "last_name"]


@extend_schema(methods=["GET"], responses=MeSerializer)
@extend_schema(methods=["PATCH"], request=MeSerializer, responses=MeSerializer)
@api_view(["GET", "PATCH"])
def me(request: Request) -> Response:
    """Who asks, and which mails they want."""
    if request.method == "GET":
        return Response(MeSerializer(person(request)).data)
    form = MeSerializer(person(request), data=request.data, partial=True)
    form.is_valid(raise_exception=True)
    return Response(MeSerializer(form.save()).data)


class PeopleFilter(StrictFilterSet):
    search = filters.CharFilter(method="like", help_text="names beginning like this, or an address or id")
    external_id = filters.CharFilter(field_name="external_id", lookup_expr="exact")
    cohort = filters.UUIDFilter(field_name="cohorts", help_text="an id")

    class Meta:
        model = User
        fields: list[str] = []

    def like(self, queryset: UserQuerySet, name: str, value: str) -> UserQuerySet:
        return queryset.matching(value)


class PagesOfPeople(Pages):
    ordering = ("last_name", "id")


class SeesPeople(BasePermission):
    """Whoever may see cohorts may see who can be in them."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return bool(request.user.has_perm("accounts.view_cohort"))


class PeopleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[User]):
    """The counselors of one's organization."""

    queryset = User.objects.none()
    serializer_class = PersonSerializer
    permission_classes = [SeesPeople]
    pagination_class = PagesOfPeople
    filter_backends = [DjangoFilterBackend]
    filterset_class = PeopleFilter

    def get_queryset(self) -> Any:
        return User.objects.for_user(person(self.request)).counselors()


class CohortSerializer(serializers.ModelSerializer[Cohort]):
    counselors = serializers.ListField(child=serializers.UUIDField(), required=False, write_only=True, max_length=2000)
    size = serializers.SerializerMethodField(help_text="how many are in it")

    class Meta:
        model = Cohort
        fields = ["id", "name", "size", "counselors", "created_at"]

    def get_size(self, cohort: Cohort) -> int:
        return getattr(cohort, "size", None) or cohort.counselors.count()

    def validate_name(self, name: str) -> str:
        same = Cohort.objects.for_user(person(self.context["request"])).filter(name=name)
        if (same.exclude(pk=self.instance.pk) if self.instance else same).exists():
            raise serializers.ValidationError("There is a cohort of this name.")
        return name

    def validate_counselors(self, ids: list[UUID]) -> list[User]:
        known = User.objects.for_user(person(self.context["request"])).counselors().in_bulk(ids)
        if unknown := [pk for pk in ids if pk not in known]:
            raise serializers.ValidationError([f"There is no counselor {pk}." for pk in unknown])
        return list(known.values())

    def create(self, fields: dict[str, Any]) -> Cohort:
        counselors = fields.pop("counselors", [])
        cohort = Cohort.objects.create(organization=person(self.context["request"]).organization, **fields)
        cohort.counselors.set(counselors)
        return cohort

    def update(self, cohort: Cohort, fields: dict[str, Any]) -> Cohort:
        counselors = fields.pop("counselors", None)
        if fields:
            Cohort.objects.filter(pk=cohort.pk).update(**fields)
            cohort.refresh_from_db()
        if counselors is not None:
            cohort.counselors.set(counselors)
            cohort.size = len(counselors)  # type: ignore[attr-defined]
        return cohort


class CohortViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Cohort],
):
    """Named groups of counselors. Who is in one: `/api/people/?cohort=`."""

    queryset = Cohort.objects.none()
    serializer_class = CohortSerializer
    permission_classes = [RolePermission]
    pagination_class = PagesByName

    def get_queryset(self) -> Any:
        return Cohort.objects.for_user(person(self.request)).with_size()
