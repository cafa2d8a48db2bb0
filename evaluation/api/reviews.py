"""API for graded feedback, flags, and disputes, for people who read and correct them."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.integrations.scopes import CLOSED, token_scope
from accounts.web.pagination import StandardCursorPagination
from accounts.web.permissions import RolePermission
from accounts.web.request_inputs import without_body
from accounts.web.requests import authenticated_user
from accounts.web.serializers import StrictSerializer
from evaluation.api.serializers import EvaluationSerializer
from evaluation.grading.scoring import GRADE_THRESHOLDS
from evaluation.models import (
    REVIEW_VERDICTS,
    CriterionResult,
    Dispute,
    Evaluation,
    EvaluationQuerySet,
    Flag,
    FlagHandling,
    Review,
)
from evaluation.models.flag_kinds import FlagSeverity, ProblemReportKind
from evaluation.services import flags
from evaluation.services.reviews import agree_with_rest, mark_looked_at, record_review
from training.models import Session


class EvaluationFilter(filters.FilterSet):
    counselor = filters.UUIDFilter(field_name="session__counselor_id", help_text=gettext_lazy("ID of a counselor."))
    external_id = filters.CharFilter(field_name="session__counselor__external_id")
    scenario = filters.UUIDFilter(field_name="session__scenario_id", help_text=gettext_lazy("ID of a scenario."))
    assignment = filters.UUIDFilter(field_name="session__assignment_id", help_text=gettext_lazy("ID of an assignment."))
    session = filters.UUIDFilter(field_name="session_id", help_text=gettext_lazy("ID of a session."))
    grade = filters.ChoiceFilter(choices=[(letter, letter) for lowest, letter in GRADE_THRESHOLDS], method="with_grade")
    status = filters.ChoiceFilter(choices=Evaluation.Status.choices)
    state = filters.ChoiceFilter(
        choices=[(state, state) for state in ("waiting", "disputed", "reviewed", "unreviewed")], method="in_state"
    )

    class Meta:
        model = Evaluation
        fields: list[str] = []

    def with_grade(self, queryset: EvaluationQuerySet, name: str, value: str) -> EvaluationQuerySet:
        return queryset.with_grade(value)

    def in_state(self, queryset: EvaluationQuerySet, name: str, value: str) -> EvaluationQuerySet:
        # Counselors must not be able to find out whether any of their feedback needs human review.
        user = authenticated_user(self.request)
        is_reviewer = user.has_perm("evaluation.add_review")
        others = queryset.exclude(session__counselor=user)
        return others.in_review_state(value) if is_reviewer else queryset.none()


_HIDDEN_WHEN_HELD = (
    "score", "grade", "reviewed_score", "reviewed_grade", "final_score", "final_grade", "completed_at",
)  # fmt: skip


class EvaluationSummarySerializer(serializers.ModelSerializer[Evaluation]):
    """Feedback in a list, without details. Counselors see no results of held feedback."""

    counselor = serializers.UUIDField(source="session.counselor_id")
    external_id = serializers.CharField(source="session.counselor.external_id")

    class Meta:
        model = Evaluation
        fields = [
            "id", "session", "version", "status", "counselor", "external_id", "score", "grade", "reviewed_score",
            "reviewed_grade", "final_score", "final_grade", "created_at", "completed_at",
        ]  # fmt: skip

    def to_representation(self, instance: Evaluation) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if instance.is_hidden_from(authenticated_user(self.context["request"])):
            return shown | dict.fromkeys(_HIDDEN_WHEN_HELD)
        return shown


class ReviewSerializer(StrictSerializer):
    verdict = serializers.ChoiceField(
        choices=[*((key, label) for key, label in REVIEW_VERDICTS), ("agree", gettext_lazy("Agree"))],
        help_text=gettext_lazy("The new verdict, or `agree`."),
    )
    reason = serializers.CharField(
        max_length=2000, allow_blank=True, default="", help_text=gettext_lazy("Required for a new verdict.")
    )


class DisputeSerializer(serializers.ModelSerializer[Dispute]):
    evaluation = serializers.UUIDField(source="criterion.evaluation_id")
    session = serializers.UUIDField(source="criterion.evaluation.session_id")
    key = serializers.CharField(source="criterion.key")
    check = serializers.CharField(source="criterion.title")

    class Meta:
        model = Dispute
        fields = ["id", "evaluation", "session", "key", "check", "counselor", "reason", "created_at", "answered_at"]


class NewDisputeSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=1000)


class NewestFirstPagination(StandardCursorPagination):
    ordering = ("-created_at", "id")


@extend_schema_view(list=extend_schema(description="Your own feedback, or your organization's if you may read it."))
class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Evaluation]):
    """Feedback, and people's reviews of it."""

    token_scope = "evaluations"
    queryset = Evaluation.objects.none()
    pagination_class = NewestFirstPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = EvaluationFilter

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()]

    def get_queryset(self) -> EvaluationQuerySet:
        return Evaluation.objects.for_user(authenticated_user(self.request)).select_related("session__counselor")

    def get_serializer_class(self) -> Any:
        return EvaluationSummarySerializer if self.action == "list" else EvaluationSerializer

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "reader": authenticated_user(self.request)}

    @extend_schema(request=ReviewSerializer, responses=EvaluationSerializer)
    def review(self, request: Request, pk: UUID, key: str) -> Response:
        """Agree with or overrule a verdict. The person's verdict takes precedence, and both stay visible."""
        evaluation = self._get_reviewable()
        row = get_object_or_404(CriterionResult, evaluation=evaluation, key=key)
        serializer = ReviewSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        new = "" if serializer.validated_data["verdict"] == "agree" else serializer.validated_data["verdict"]
        verdict = Review.Verdict.OVERRULE if new and new != row.verdict else Review.Verdict.AGREE
        if verdict == Review.Verdict.OVERRULE and not serializer.validated_data["reason"]:
            raise ValidationError({"reason": [_("Enter a reason.")]})
        record_review(evaluation, authenticated_user(request), verdict, serializer.validated_data["reason"], row, new)
        evaluation.refresh_from_db()
        return Response(self.get_serializer(evaluation).data)

    @extend_schema(request=None, responses=EvaluationSerializer)
    @without_body
    def agree(self, request: Request, pk: UUID) -> Response:
        """Agree with every verdict that is neither reviewed nor disputed. Safe to repeat."""
        evaluation = self._get_reviewable()
        agree_with_rest(evaluation, authenticated_user(request))
        return Response(self.get_serializer(evaluation).data)

    @extend_schema(request=None, responses=EvaluationSerializer)
    @without_body
    def looked_at(self, request: Request, pk: UUID) -> Response:
        """Record that a person has reviewed this, and release held feedback to the counselor. Safe to repeat."""
        evaluation = self._get_reviewable()
        mark_looked_at(evaluation, authenticated_user(request))
        evaluation.refresh_from_db()
        return Response(self.get_serializer(evaluation).data)

    @extend_schema(request=NewDisputeSerializer, responses={201: DisputeSerializer})
    def dispute(self, request: Request, pk: UUID, key: str) -> Response:
        """Ask a person to recheck one verdict in the user's own feedback."""
        own = self.get_queryset().filter(
            session__counselor=authenticated_user(request), status=Evaluation.Status.COMPLETED
        )
        row = get_object_or_404(CriterionResult, evaluation=get_object_or_404(own, pk=pk), key=key)
        serializer = NewDisputeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        new_dispute = flags.dispute_verdict(row, authenticated_user(request), serializer.validated_data["reason"])
        return Response(DisputeSerializer(new_dispute).data, status=201)

    def _get_reviewable(self) -> Evaluation:
        """Return graded feedback on another person's session: no one reviews their own.

        Raise PermissionDenied if the user may not review feedback.
        """
        if not authenticated_user(self.request).has_perm("evaluation.add_review"):
            raise PermissionDenied(_("You don’t have permission to review feedback."))
        rows = Evaluation.objects.reviewable_by(authenticated_user(self.request)).select_related("session__counselor")
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

    def to_representation(self, instance: Flag) -> dict[str, Any]:
        return super().to_representation(instance) | {"note": instance.note_text}


class FlagHandlingSerializer(StrictSerializer):
    handling = serializers.ChoiceField(choices=FlagHandling.choices)
    handled_note = serializers.CharField(
        required=False, allow_blank=True, max_length=1000, help_text=gettext_lazy("Unchanged if it is not sent.")
    )


class FlagFilter(filters.FilterSet):
    handling = filters.ChoiceFilter(choices=FlagHandling.choices)
    severity = filters.ChoiceFilter(choices=FlagSeverity.choices)
    session = filters.UUIDFilter(field_name="session_id", help_text=gettext_lazy("ID of a session."))

    class Meta:
        model = Flag
        fields: list[str] = []


class FlagViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Flag]):
    """Issues that supervisors should know about, and their handling. Counselors never see flags."""

    token_scope = CLOSED
    queryset = Flag.objects.none()
    serializer_class = FlagSerializer
    permission_classes = [RolePermission]
    pagination_class = NewestFirstPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = FlagFilter
    lookup_field, lookup_url_kwarg = "public_id", "pk"

    def get_queryset(self) -> Any:
        return Flag.objects.for_user(authenticated_user(self.request))

    @extend_schema(request=FlagHandlingSerializer, responses=FlagSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Record the handling of a flag."""
        flag = self.get_object()
        serializer = FlagHandlingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        flags.handle_flag(
            flag,
            authenticated_user(request),
            serializer.validated_data["handling"],
            serializer.validated_data.get("handled_note", flag.handled_note),
        )
        return Response(FlagSerializer(flag).data)


class DisputeViewSet(mixins.ListModelMixin, GenericViewSet[Dispute]):
    """A counselor's own disputes, or the organization's for other roles. A review of the criterion resolves them."""

    token_scope = CLOSED
    queryset = Dispute.objects.none()
    serializer_class = DisputeSerializer
    pagination_class = NewestFirstPagination

    def get_queryset(self) -> Any:
        return Dispute.objects.for_user(authenticated_user(self.request)).select_related("criterion__evaluation")


class NewProblemReportSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=ProblemReportKind.choices)
    text = serializers.CharField(max_length=flags.MAX_REPORT_CHARACTERS)


class ProblemReportSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    created_at = serializers.DateTimeField()


@extend_schema(request=NewProblemReportSerializer, responses={201: ProblemReportSerializer})
@token_scope("sessions")
@api_view(["POST"])
def session_report(request: Request, pk: UUID) -> Response:
    """Report a problem with the user's own session to the supervisors, at most ten times an hour."""
    session = get_object_or_404(Session.objects.for_counselor(authenticated_user(request)), pk=pk)
    serializer = NewProblemReportSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    flag = flags.report_problem(
        session, authenticated_user(request), serializer.validated_data["kind"], serializer.validated_data["text"]
    )
    return Response(ProblemReportSerializer(flag).data, status=201)
