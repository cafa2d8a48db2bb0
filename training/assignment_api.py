from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.filters import StrictFilterSet
from accounts.http import person
from accounts.models import Cohort, User
from accounts.paging import Pages
from accounts.permissions import ChangePermission, RolePermission
from accounts.services.people import counselor_of
from scenarios.models import Scenario
from training.api import Conflict
from training.models import Assignment, AssignmentQuerySet
from training.serializers import GIVING, AssignmentSerializer, TermsSerializer
from training.services import assignments
from training.services.refusals import SessionRefused

NOT_NOW = "Nothing was changed: a conversation of it is under way, or it stands otherwise by now."
MOST = assignments.MOST_AT_ONCE
STATES = ["open", "overdue", "failed", "declined", *Assignment.Status.values]


class AssignmentFilter(StrictFilterSet):
    status = filters.ChoiceFilter(choices=[(state, state) for state in STATES], method="of_state")
    counselor = filters.UUIDFilter(field_name="counselor_id", help_text="an id")
    external_id = filters.CharFilter(field_name="counselor__external_id", help_text="the counselor's, as you know them")
    scenario = filters.UUIDFilter(field_name="scenario_id", help_text="an id")
    cohort = filters.UUIDFilter(field_name="counselor__cohorts", help_text="an id")

    class Meta:
        model = Assignment
        fields: list[str] = []

    def of_state(self, queryset: AssignmentQuerySet, name: str, value: str) -> AssignmentQuerySet:
        return queryset.of_state(value)


class OutsidePersonSerializer(serializers.Serializer[Any]):
    """Somebody as an outside system knows them. What is sent beside the id counts when they are made, on first use."""

    external_id = serializers.CharField(max_length=200)
    email = serializers.EmailField(required=False, allow_blank=True)
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=150)


class BulkSerializer(TermsSerializer):
    """Counselors, by id, by cohort or by an outside system's id, times scenarios."""

    counselors = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=assignments.MOST_AT_ONCE
    )
    cohorts = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50)
    people = OutsidePersonSerializer(many=True, required=False)
    scenarios = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST)
    force_reassign = serializers.BooleanField(
        required=False, default=False, help_text="give it again to who has completed it"
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if len(data.get("people", [])) > MOST:
            raise serializers.ValidationError({"people": f"At most {MOST} people at once."})
        if not any(data.get(name) for name in ("counselors", "cohorts", "people")):
            raise serializers.ValidationError({"counselors": "Name counselors, cohorts or people."})
        return data


class OneAssignmentSerializer(TermsSerializer):
    """One counselor, by id or as an outside system knows them, and one scenario."""

    counselor = serializers.UUIDField(required=False)
    person = OutsidePersonSerializer(required=False)
    scenario = serializers.UUIDField()
    force_reassign = serializers.BooleanField(
        required=False, default=False, help_text="give it again to who has completed it"
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("counselor" in data) == ("person" in data):
            raise serializers.ValidationError({"counselor": "Name a counselor or a person, one of them."})
        return data


class PairSerializer(serializers.Serializer[assignments.Pair]):
    counselor = serializers.UUIDField(source="counselor.pk")
    external_id = serializers.CharField(source="counselor.external_id")
    scenario = serializers.UUIDField(source="scenario.pk")
    title = serializers.CharField(source="scenario.title")


class GivenSerializer(serializers.Serializer[assignments.Given]):
    """Each pair that was asked for, in one of three lists."""

    assignments = AssignmentSerializer(many=True)
    open = PairSerializer(many=True, help_text="they have it open already, and keep it")
    completed = PairSerializer(many=True, help_text="they have completed it; ask again with force_reassign")


class AssignmentChangeSerializer(TermsSerializer):
    def update(self, instance: Assignment, validated_data: dict[str, Any]) -> Assignment:
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance


@extend_schema_view(list=extend_schema(description="A counselor's own assignments; everyone else's organization."))
class AssignmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Assignment]):
    """Who is to practise what until when. Feedback completes an assignment, never a hand."""

    queryset = Assignment.objects.none()
    serializer_class = AssignmentSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = AssignmentFilter

    def get_permissions(self) -> list[BasePermission]:
        by_action: dict[str, type[BasePermission]] = {"reset": ChangePermission, "cancel": ChangePermission}
        own = {"list", "retrieve", "decline"}
        return [IsAuthenticated()] if self.action in own else [by_action.get(self.action, RolePermission)()]

    def get_queryset(self) -> AssignmentQuerySet:
        return Assignment.objects.for_user(person(self.request)).select_related("scenario", "counselor")

    @extend_schema(request=OneAssignmentSerializer, responses={201: AssignmentSerializer})
    def create(self, request: Request) -> Response:
        """Give one scenario to one counselor. 409 when they have it open, or have completed it and it is not forced."""
        form = OneAssignmentSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        who = {"counselors": [wanted["counselor"]]} if "counselor" in wanted else {"people": [wanted["person"]]}
        given = self._give(who | {"scenarios": [wanted["scenario"]]} | wanted)
        if given.open:
            raise Conflict(SessionRefused("open_already", "This counselor has this scenario open already."))
        if given.completed:
            raise Conflict(
                SessionRefused("completed_already", "They have completed it; ask again with force_reassign.")
            )
        return Response(AssignmentSerializer(given.assignments[0]).data, status=201)

    @extend_schema(request=AssignmentChangeSerializer, responses=AssignmentSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change its terms. Whom and what it is for stays as it is."""
        found = self.get_object()
        form = AssignmentChangeSerializer(found, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(AssignmentSerializer(form.save()).data)

    @extend_schema(request=BulkSerializer, responses={200: GivenSerializer, 201: GivenSerializer})
    def bulk(self, request: Request) -> Response:
        """Give each scenario to each counselor: 201 when any was given, else 200. Nobody is given one twice at once."""
        form = BulkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = self._give(form.validated_data)
        return Response(GivenSerializer(given).data, status=201 if given.assignments else 200)

    @transaction.atomic
    def _give(self, wanted: dict[str, Any]) -> assignments.Given:
        """All of it or nothing, the people who are made on the way included."""
        terms = {name: wanted[name] for name in GIVING if name in wanted}
        scenarios, people = self._scenarios(wanted["scenarios"]), self._people(wanted)
        force = wanted["force_reassign"]
        return assignments.assign_many(scenarios, people, person(self.request), force=force, **terms)

    def _scenarios(self, ids: list[UUID]) -> list[Scenario]:
        active = Scenario.objects.for_user(person(self.request)).filter(is_active=True)
        return self._named("scenarios", ids, active.in_bulk(ids), "active scenario")

    def _people(self, wanted: dict[str, Any]) -> list[User]:
        user = person(self.request)
        counselors = User.objects.for_user(user).counselors()
        ids, cohort_ids = wanted.get("counselors", []), wanted.get("cohorts", [])
        chosen = self._named("counselors", ids, counselors.in_bulk(ids), "counselor")
        cohorts = Cohort.objects.for_user(user).in_bulk(cohort_ids)
        chosen += counselors.filter(cohorts__in=self._named("cohorts", cohort_ids, cohorts, "cohort"))
        try:
            chosen += [counselor_of(user.organization, **one) for one in wanted.get("people", [])]
        except DjangoValidationError as error:
            raise ValidationError({"people": get_error_detail(error)}) from error
        if not chosen:
            raise ValidationError({"cohorts": "Nobody is in these cohorts."})
        return chosen

    def _named(self, field: str, ids: list[UUID], rows: dict[Any, Any], what: str) -> list[Any]:
        try:
            return assignments.named(ids, rows, what)
        except DjangoValidationError as error:
            raise ValidationError({field: get_error_detail(error)}) from error

    @extend_schema(request=None, responses=AssignmentSerializer)
    def reset(self, request: Request, pk: UUID) -> Response:
        """Back to pending; the attempts so far do not count. 409 while a conversation of it is under way."""
        return self._changed(self.get_object(), assignments.reset)

    @extend_schema(request=None, responses=AssignmentSerializer)
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Take it back. 409 while a conversation of it is under way, or when it is closed."""
        return self._changed(self.get_object(), assignments.cancel)

    @extend_schema(request=None, responses=AssignmentSerializer)
    def decline(self, request: Request, pk: UUID) -> Response:
        """Its counselor would rather not take this topic. Nobody asks why, and it counts for nothing."""
        mine = self.get_queryset().filter(counselor=person(request))
        return self._changed(get_object_or_404(mine, pk=pk), assignments.decline)

    def _changed(self, found: Assignment, change: Any) -> Response:
        if not change(found):
            raise Conflict(SessionRefused("not_now", NOT_NOW))
        found.refresh_from_db()
        return Response(AssignmentSerializer(found).data)
