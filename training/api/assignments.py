"""API for assignments."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
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

from accounts.models import Cohort, User
from accounts.services.people import get_or_create_counselor
from accounts.web.created import created_response
from accounts.web.pagination import StandardCursorPagination
from accounts.web.permissions import ChangePermission, RolePermission
from accounts.web.request_inputs import without_body
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer
from scenarios.models import Scenario
from training.api.assignment_serializers import AssignmentSerializer, AssignmentTermsSerializer
from training.api.session_actions import ConflictError
from training.models import Assignment, AssignmentQuerySet, pick_terms
from training.services import assignments
from training.services.errors import SessionRefusedError

MAX_PAIRS = assignments.MAX_PAIRS_PER_REQUEST
STATUS_CHOICES = ["open", "overdue", "failed", "declined", *Assignment.Status.values]


class AssignmentFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=[(state, state) for state in STATUS_CHOICES], method="filter_status")
    counselor = filters.UUIDFilter(field_name="counselor_id", help_text=_("ID of the counselor"))
    external_id = filters.CharFilter(
        field_name="counselor__external_id", help_text=_("ID of the counselor in your own system")
    )
    scenario = filters.UUIDFilter(field_name="scenario_id", help_text=_("ID of the scenario"))
    cohort = filters.UUIDFilter(field_name="counselor__cohorts", help_text=_("ID of a cohort of the counselor"))

    class Meta:
        model = Assignment
        fields: list[str] = []

    def filter_status(self, queryset: AssignmentQuerySet, name: str, value: str) -> AssignmentQuerySet:
        return queryset.in_state(value)


class ExternalPersonSerializer(StrictSerializer):
    """A person identified by an external ID.

    The other fields are used only the first time, to create the user.
    """

    external_id = serializers.CharField(max_length=200)
    email = serializers.EmailField(required=False, allow_blank=True)
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=150)


class BulkAssignmentSerializer(AssignmentTermsSerializer):
    """Counselors (by id, cohort, or external ID) who each get all of the scenarios."""

    counselors = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=assignments.MAX_PAIRS_PER_REQUEST
    )
    cohorts = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=50)
    people = ExternalPersonSerializer(many=True, required=False)
    scenarios = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MAX_PAIRS)
    force_reassign = serializers.BooleanField(
        required=False, default=False, help_text=_("Assign again to counselors who already completed the scenario.")
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if len(data.get("people", [])) > MAX_PAIRS:
            raise serializers.ValidationError(
                {"people": gettext("You can name up to %(limit)s people at once.") % {"limit": MAX_PAIRS}}
            )
        if not any(data.get(name) for name in ("counselors", "cohorts", "people")):
            raise serializers.ValidationError({"counselors": gettext("Send counselors, cohorts, or people.")})
        return data


class CreateAssignmentSerializer(AssignmentTermsSerializer):
    """One counselor (by id or external ID) and one scenario."""

    counselor = serializers.UUIDField(required=False)
    person = ExternalPersonSerializer(required=False)
    scenario = serializers.UUIDField()
    force_reassign = serializers.BooleanField(
        required=False, default=False, help_text=_("Assign again to counselors who already completed the scenario.")
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("counselor" in data) == ("person" in data):
            raise serializers.ValidationError({"counselor": gettext("Send either a counselor or a person.")})
        return data


class AssignmentPairSerializer(serializers.Serializer[assignments.AssignmentPair]):
    counselor = serializers.UUIDField(source="counselor.pk")
    external_id = serializers.CharField(source="counselor.external_id")
    scenario = serializers.UUIDField(source="scenario.pk")
    title = serializers.CharField(source="scenario.title")


class BulkAssignmentResultSerializer(serializers.Serializer[assignments.BulkAssignmentResult]):
    """The requested pairs, each in one of three lists."""

    assignments = AssignmentSerializer(many=True)
    open = AssignmentPairSerializer(many=True, help_text=_("Already open. These assignments were not changed."))
    completed = AssignmentPairSerializer(
        many=True, help_text=_("Already completed. To assign these again, send force_reassign.")
    )


class AssignmentChangeSerializer(AssignmentTermsSerializer):
    def update(self, instance: Assignment, validated_data: dict[str, Any]) -> Assignment:
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance


@extend_schema_view(
    list=extend_schema(description="Assignments of the user, or of the whole organization if the user may view them.")
)
class AssignmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Assignment]):
    """Scenarios assigned to counselors. An assignment is completed by its feedback, never manually."""

    token_scope = "assignments"
    queryset = Assignment.objects.none()
    serializer_class = AssignmentSerializer
    pagination_class = StandardCursorPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = AssignmentFilter

    def get_permissions(self) -> list[BasePermission]:
        by_action: dict[str, type[BasePermission]] = {"reset": ChangePermission, "cancel": ChangePermission}
        own = {"list", "retrieve", "decline"}
        return [IsAuthenticated()] if self.action in own else [by_action.get(self.action, RolePermission)()]

    def get_queryset(self) -> AssignmentQuerySet:
        return Assignment.objects.for_user(authenticated_user(self.request)).select_related("scenario", "counselor")

    @extend_schema(request=CreateAssignmentSerializer, responses={201: AssignmentSerializer})
    def create(self, request: Request) -> Response:
        """Assign one scenario to one counselor.

        Return 409 if it is already open, or if it was completed before and `force_reassign` is not set.
        """
        serializer = CreateAssignmentSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        target = {"counselors": [wanted["counselor"]]} if "counselor" in wanted else {"people": [wanted["person"]]}
        result = self._assign(target | {"scenarios": [wanted["scenario"]]} | wanted)
        if result.open:
            raise ConflictError(
                SessionRefusedError(
                    "open_already", gettext("This counselor already has an open assignment for this scenario.")
                )
            )
        if result.completed:
            raise ConflictError(
                SessionRefusedError(
                    "completed_already",
                    gettext("This counselor already completed this scenario. To assign it again, send force_reassign."),
                )
            )
        made = result.assignments[0]
        return created_response(AssignmentSerializer(made).data, "api:training:assignment_detail", made.pk)

    @extend_schema(request=AssignmentChangeSerializer, responses=AssignmentSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change the terms of an assignment. Its counselor and scenario stay the same."""
        found = self.get_object()
        serializer = AssignmentChangeSerializer(found, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return Response(AssignmentSerializer(serializer.save()).data)

    @extend_schema(
        request=BulkAssignmentSerializer,
        responses={200: BulkAssignmentResultSerializer, 201: BulkAssignmentResultSerializer},
    )
    def bulk(self, request: Request) -> Response:
        """Assign each scenario to each counselor. Return 201 if any was assigned, else 200.

        A counselor never has the same scenario open twice.
        """
        serializer = BulkAssignmentSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        result = self._assign(serializer.validated_data)
        return Response(BulkAssignmentResultSerializer(result).data, status=201 if result.assignments else 200)

    @transaction.atomic
    def _assign(self, wanted: dict[str, Any]) -> assignments.BulkAssignmentResult:
        """Assign everything or nothing. New people are created in the same transaction."""
        terms = pick_terms(wanted)
        scenarios, people = self._scenarios(wanted["scenarios"]), self._people(wanted)
        force = wanted["force_reassign"]
        return assignments.assign_many(scenarios, people, authenticated_user(self.request), force=force, **terms)

    def _scenarios(self, ids: list[UUID]) -> list[Scenario]:
        active = Scenario.objects.for_user(authenticated_user(self.request)).filter(is_active=True)
        return self._resolve("scenarios", ids, active.in_bulk(ids))

    def _people(self, wanted: dict[str, Any]) -> list[User]:
        user = authenticated_user(self.request)
        counselors = User.objects.for_user(user).counselors()
        ids, cohort_ids = wanted.get("counselors", []), wanted.get("cohorts", [])
        chosen = self._resolve("counselors", ids, counselors.in_bulk(ids))
        cohorts = Cohort.objects.for_user(user).in_bulk(cohort_ids)
        chosen += counselors.filter(cohorts__in=self._resolve("cohorts", cohort_ids, cohorts))
        try:
            chosen += [get_or_create_counselor(user.organization, **person) for person in wanted.get("people", [])]
        except DjangoValidationError as error:
            raise ValidationError({"people": get_error_detail(error)}) from error
        if not chosen:
            raise ValidationError({"cohorts": gettext("These cohorts have no counselors.")})
        return chosen

    def _resolve(self, field: str, ids: list[UUID], rows: dict[Any, Any]) -> list[Any]:
        try:
            return assignments.resolve_ids(ids, rows)
        except DjangoValidationError as error:
            raise ValidationError({field: get_error_detail(error)}) from error

    @extend_schema(request=None, responses=AssignmentSerializer)
    @without_body
    def reset(self, request: Request, pk: UUID) -> Response:
        """Reset an assignment to pending. Its attempts so far no longer count.

        Return 409 if it is not in progress or has a live session.
        """
        return self._apply_change(self.get_object(), assignments.reset_assignment)

    @extend_schema(request=None, responses=AssignmentSerializer)
    @without_body
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel an assignment. Return 409 if it is closed or has a live session."""
        return self._apply_change(self.get_object(), assignments.cancel_assignment)

    @extend_schema(request=None, responses=AssignmentSerializer)
    @without_body
    def decline(self, request: Request, pk: UUID) -> Response:
        """Decline the user's own assignment because of its topic. No reason is needed, and there are no consequences.

        Return 409 if it is closed or has a live session.
        """
        mine = self.get_queryset().filter(counselor=authenticated_user(request))
        return self._apply_change(get_object_or_404(mine, pk=pk), assignments.decline_assignment)

    def _apply_change(self, found: Assignment, change: Any) -> Response:
        if not change(found):
            raise ConflictError(SessionRefusedError("not_now", str(assignments.CHANGE_REFUSED_TEXT)))
        found.refresh_from_db()
        return Response(AssignmentSerializer(found).data)
