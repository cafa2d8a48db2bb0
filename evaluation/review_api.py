"""Graded feedback, flags and disputes, for whoever reads and corrects them."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.filters import StrictFilterSet
from accounts.http import person
from accounts.paging import Pages
from accounts.permissions import RolePermission
from evaluation.flags import ReportKind, Severity
from evaluation.models import (
    NEW_VERDICTS,
    CriterionResult,
    Dispute,
    Evaluation,
    EvaluationQuerySet,
    Flag,
    Handling,
    Review,
)
from evaluation.scoring import GRADES
from evaluation.serializers import EvaluationSerializer
from evaluation.services import reports
from evaluation.services.reviewing import look_at, review
from scenarios.serializers.fields import KnownFieldsOnly
from training.models import Session


class EvaluationFilter(StrictFilterSet):
    counselor = filters.UUIDFilter(field_name="session__counselor_id", help_text="an id")
    external_id = filters.CharFilter(field_name="session__counselor__external_id")
    scenario = filters.UUIDFilter(field_name="session__scenario_id", help_text="an id")
    assignment = filters.UUIDFilter(field_name="session__assignment_id", help_text="an id")
    session = filters.UUIDFilter(field_name="session_id", help_text="an id")
    grade = filters.ChoiceFilter(choices=[(letter, letter) for _, letter in GRADES])
    status = filters.ChoiceFilter(choices=Evaluation.Status.choices)
    state = filters.ChoiceFilter(
        choices=[(state, state) for state in ("waiting", "disputed", "reviewed", "unreviewed")], method="in_state"
    )

    class Meta:
        model = Evaluation
        fields: list[str] = []

    def in_state(self, queryset: EvaluationQuerySet, name: str, value: str) -> EvaluationQuerySet:
        # What waits for a person is no counselor's business, not even whether something does.
        return queryset.none() if person(self.request).is_counselor else queryset.in_review_state(value)


class ShortEvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """Feedback in a list: what it came to. A counselor is shown nothing of what is held."""

    counselor = serializers.UUIDField(source="session.counselor_id")
    external_id = serializers.CharField(source="session.counselor.external_id")

    class Meta:
        model = Evaluation
        fields = [
            "id", "session", "version", "status", "counselor", "external_id", "score", "grade", "reviewed_score",
            "reviewed_grade", "created_at", "completed_at",
        ]  # fmt: skip

    def to_representation(self, instance: Evaluation) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.is_held and person(self.context["request"]).is_counselor:
            return shown | dict.fromkeys(["score", "grade", "reviewed_score", "reviewed_grade", "completed_at"])
        return shown


class ReviewSerializer(KnownFieldsOnly):
    verdict = serializers.ChoiceField(
        choices=[*((key, label) for key, label in NEW_VERDICTS), ("agree", "as it is")],
        help_text="what it should be, or `agree`",
    )
    reason = serializers.CharField(max_length=2000)


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    evaluation = serializers.UUIDField(source="criterion.evaluation_id")
    session = serializers.UUIDField(source="criterion.evaluation.session_id")
    key = serializers.CharField(source="criterion.key")
    check = serializers.CharField(source="criterion.check_text")

    class Meta:
        model = Dispute
        fields = ["id", "evaluation", "session", "key", "check", "counselor", "reason", "created_at", "answered_at"]


class ReasonSerializer(KnownFieldsOnly):
    reason = serializers.CharField(max_length=1000)


class InOrder(Pages):
    ordering = ("-created_at", "id")


@extend_schema_view(list=extend_schema(description="One's own feedback; everyone else's organization."))
class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Evaluation]):
    """Feedback, and what people make of it."""

    queryset = Evaluation.objects.none()
    pagination_class = InOrder
    filter_backends = [DjangoFilterBackend]
    filterset_class = EvaluationFilter

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()]

    def get_queryset(self) -> EvaluationQuerySet:
        return Evaluation.objects.for_user(person(self.request)).select_related("session__counselor")

    def get_serializer_class(self) -> Any:
        return ShortEvaluationSerializer if self.action == "list" else EvaluationSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "reader": person(self.request)}

    @extend_schema(request=ReviewSerializer, responses=EvaluationSerializer)
    def review(self, request: Request, pk: UUID, key: str) -> Response:
        """Agree with a criterion or say what it should be. The person's verdict counts; both stay visible."""
        evaluation = self._for_review()
        row = get_object_or_404(CriterionResult, evaluation=evaluation, key=key)
        form = ReviewSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        new = "" if form.validated_data["verdict"] == "agree" else form.validated_data["verdict"]
        verdict = Review.Verdict.OVERRULE if new and new != row.verdict else Review.Verdict.AGREE
        review(evaluation, person(request), verdict, form.validated_data["reason"], row, new)
        evaluation.refresh_from_db()
        return Response(self.get_serializer(evaluation).data)

    @extend_schema(request=None, responses=EvaluationSerializer)
    def looked_at(self, request: Request, pk: UUID) -> Response:
        """A person has looked; feedback that was held goes to the counselor. Done already: as it is."""
        evaluation = self._for_review()
        look_at(evaluation, person(request))
        evaluation.refresh_from_db()
        return Response(self.get_serializer(evaluation).data)

    @extend_schema(request=ReasonSerializer, responses={201: DisputeSerializer})
    def dispute(self, request: Request, pk: UUID, key: str) -> Response:
        """Its own counselor asks a person to look at one verdict."""
        own = self.get_queryset().filter(session__counselor=person(request), status=Evaluation.Status.COMPLETED)
        row = get_object_or_404(CriterionResult, evaluation=get_object_or_404(own, pk=pk), key=key)
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = reports.dispute(row, person(request), form.validated_data["reason"])
        return Response(DisputeSerializer(made).data, status=201)

    def _for_review(self) -> Evaluation:
        """Graded feedback of somebody else's; nobody reviews their own."""
        if not person(self.request).has_perm("evaluation.add_review"):
            raise PermissionDenied("Only people who review feedback can do this.")
        rows = self.get_queryset().graded().exclude(session__counselor=person(self.request))
        return get_object_or_404(rows, pk=self.kwargs["pk"])


class FlagSerializer(serializers.ModelSerializer[Flag]):
    id = serializers.UUIDField(source="public_id")
    evaluation = serializers.UUIDField(source="evaluation_id", allow_null=True)

    class Meta:
        model = Flag
        fields = [
            "id", "session", "evaluation", "kind", "severity", "source", "note", "quote", "turn", "reported_by",
            "created_at", "handling", "handled_by", "handled_at", "handled_note",
        ]  # fmt: skip


class HandlingSerializer(KnownFieldsOnly):
    handling = serializers.ChoiceField(choices=Handling.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=1000)


class FlagFilter(StrictFilterSet):
    handling = filters.ChoiceFilter(choices=Handling.choices)
    severity = filters.ChoiceFilter(choices=Severity.choices)
    session = filters.UUIDFilter(field_name="session_id", help_text="an id")

    class Meta:
        model = Flag
        fields: list[str] = []


class FlagViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Flag]):
    """What a supervisor should know of, and what became of it. Counselors never see flags."""

    queryset = Flag.objects.none()
    serializer_class = FlagSerializer
    permission_classes = [RolePermission]
    pagination_class = InOrder
    filter_backends = [DjangoFilterBackend]
    filterset_class = FlagFilter
    lookup_field, lookup_url_kwarg = "public_id", "pk"

    def get_queryset(self) -> Any:
        return Flag.objects.for_user(person(self.request))

    @extend_schema(request=HandlingSerializer, responses=FlagSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Say what became of it."""
        flag = self.get_object()
        form = HandlingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        reports.handle(flag, person(request), form.validated_data["handling"], form.validated_data["note"])
        return Response(FlagSerializer(flag).data)


class DisputeViewSet(mixins.ListModelMixin, GenericViewSet[Dispute]):
    """A counselor's own disputes; everyone else's organization. A review of the criterion answers one."""

    queryset = Dispute.objects.none()
    serializer_class = DisputeSerializer
    pagination_class = InOrder

    def get_queryset(self) -> Any:
        return Dispute.objects.for_user(person(self.request)).select_related("criterion__evaluation")


class ReportSerializer(KnownFieldsOnly):
    kind = serializers.ChoiceField(choices=ReportKind.choices)
    text = serializers.CharField(max_length=reports.LONGEST)


class ReportedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    created_at = serializers.DateTimeField()


@extend_schema(request=ReportSerializer, responses={201: ReportedSerializer})
@api_view(["POST"])
def session_report(request: Request, pk: UUID) -> Response:
    """Its own counselor reports a problem to the supervisors, at most ten an hour."""
    session = get_object_or_404(Session.objects.held_by(person(request)), pk=pk)
    form = ReportSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    flag = reports.report(session, person(request), form.validated_data["kind"], form.validated_data["text"])
    return Response(ReportedSerializer(flag).data, status=201)
