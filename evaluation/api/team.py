"""API for progress, teams, live sessions, and items that need a supervisor's attention."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.integrations.scopes import CLOSED, token_scope
from accounts.models import User
from accounts.web.pagination import StandardCursorPagination
from accounts.web.request_inputs import query_parameters
from accounts.web.requests import authenticated_user
from evaluation.models import Tally
from evaluation.reports.attention import MAX_COUNTED, list_attention, live_sessions
from evaluation.reports.progress import list_skill_progress, plot_scores, recommend_practice
from evaluation.reports.team import list_team
from training.api.serializers import SessionSummarySerializer
from training.models import Session

WEEK_SPANS = (4, 12, 26, 52)


class WeekProgressSerializer(serializers.Serializer[Any]):
    week = serializers.DateField(help_text=gettext_lazy("The Monday of the week."))
    percent = serializers.IntegerField(help_text=gettext_lazy("0 to 100."))
    sessions = serializers.IntegerField()


class SkillProgressSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.IntegerField(help_text=gettext_lazy("0 to 100, over the whole period."))
    sessions = serializers.IntegerField()
    weeks = WeekProgressSerializer(source="plot.points", many=True)


class PracticeRecommendationSerializer(serializers.Serializer[Any]):
    skill = serializers.CharField(source="skill.key")
    why = serializers.CharField()
    scenario = serializers.UUIDField(source="scenario.pk", default=None, allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    weeks = WeekProgressSerializer(many=True)
    skills = SkillProgressSerializer(many=True)
    next = PracticeRecommendationSerializer(allow_null=True)


class TeamRowSerializer(serializers.Serializer[Any]):
    counselor = serializers.UUIDField(source="person.pk")
    name = serializers.CharField(source="person.__str__")
    external_id = serializers.CharField(source="person.external_id")
    sessions = serializers.IntegerField(help_text=gettext_lazy("Graded sessions in the period."))
    average = serializers.IntegerField(source="percent", allow_null=True, help_text=gettext_lazy("0 to 100."))
    last_practised_at = serializers.DateTimeField(source="last", allow_null=True)
    open = serializers.IntegerField(help_text=gettext_lazy("Number of open assignments."))
    overdue = serializers.IntegerField(help_text=gettext_lazy("Number of overdue assignments."))


def _parse_weeks(request: Request) -> int:
    weeks = request.query_params.get("weeks", "12")
    if weeks not in {str(span) for span in WEEK_SPANS}:
        raise ValidationError({"weeks": _("Select one of %(choices)s.") % {"choices": ", ".join(map(str, WEEK_SPANS))}})
    return int(weeks)


_WEEKS_PARAMETER = OpenApiParameter("weeks", int, enum=list(WEEK_SPANS), default=12)


@extend_schema(
    parameters=[
        _WEEKS_PARAMETER,
        OpenApiParameter("counselor", UUID, description="A counselor's ID. Defaults to the user."),
    ],
    responses=ProgressSerializer,
)
@query_parameters("weeks", "counselor")
@token_scope(CLOSED)
@api_view(["GET", "HEAD"])
def progress(request: Request) -> Response:
    """Return progress by skill and by week, and a recommendation for the next practice."""
    weeks, counselor = _parse_weeks(request), _requested_counselor(request)
    rows = Tally.objects.for_user(authenticated_user(request)).filter(counselor=counselor)
    skills = list_skill_progress(rows, weeks)
    recommendation = recommend_practice(counselor, skills)
    report = {"weeks": plot_scores(rows, weeks).points, "skills": skills, "next": recommendation}
    return Response(ProgressSerializer(report).data)


def _requested_counselor(request: Request) -> User:
    """Return the counselor named in the query, or else the user. Raise ValidationError or Http404."""
    counselor_id = request.query_params.get("counselor")
    if counselor_id is None:
        return authenticated_user(request)
    try:
        pk = UUID(counselor_id)
    except ValueError:
        raise ValidationError({"counselor": _("Must be a valid UUID.")}) from None
    found: User = get_object_or_404(User.objects.for_user(authenticated_user(request)), pk=pk)
    return found


def _check_may_see_team(request: Request) -> None:
    if not authenticated_user(request).has_perm("training.view_assignment"):
        raise PermissionDenied(_("You don’t have permission to see this."))


class TeamPagination(StandardCursorPagination):
    ordering = ("last_name", "id")


@extend_schema(parameters=[_WEEKS_PARAMETER])
class TeamView(ListAPIView[User]):
    """One row for each counselor, by name."""

    token_scope = CLOSED
    query_parameters = frozenset({"weeks"})
    queryset = User.objects.none()
    serializer_class = TeamRowSerializer
    pagination_class = TeamPagination

    def get_queryset(self) -> Any:
        return User.objects.for_user(authenticated_user(self.request)).counselors()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        _check_may_see_team(request)
        weeks = _parse_weeks(request)
        people = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(TeamRowSerializer(list_team(people or [], weeks), many=True).data)


class AttentionSerializer(serializers.Serializer[Any]):
    """Number of items of each kind."""

    talk_to = serializers.IntegerField(help_text=gettext_lazy("Counselors who recently stopped several conversations."))
    red_lines = serializers.IntegerField(
        help_text=gettext_lazy("Crossed red lines that no one has reviewed. `waiting` counts them, too.")
    )
    flags = serializers.IntegerField()
    disputes = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text=gettext_lazy("Feedback that needs human review."))
    low_grades = serializers.IntegerField(
        help_text=gettext_lazy("Grades of F in the last two weeks, neither reviewed nor improved on since.")
    )
    overdue = serializers.IntegerField(help_text=gettext_lazy("Number of overdue assignments."))
    failed = serializers.IntegerField(help_text=gettext_lazy("Assignments failed in the last two weeks."))
    declined = serializers.IntegerField(help_text=gettext_lazy("Assignments declined in the last two weeks."))
    ungraded = serializers.IntegerField(help_text=gettext_lazy("Conversations without a grade in the last two weeks."))
    inactive = serializers.IntegerField(help_text=gettext_lazy("Counselors who have not practiced for four weeks."))


@extend_schema(responses=AttentionSerializer)
@token_scope(CLOSED)
@api_view(["GET", "HEAD"])
def attention(request: Request) -> Response:
    """Count the items that need a supervisor's attention now, by kind."""
    _check_may_see_team(request)
    counts = {kind: group.count for kind, group in list_attention(authenticated_user(request)).items()}
    # The API's `waiting` has always included sessions with a crossed red line.
    counts["waiting"] = min(counts["waiting"] + counts["red_lines"], MAX_COUNTED)
    return Response(counts)


def _check_may_follow(request: Request) -> None:
    if not authenticated_user(request).has_perm("training.follow_session"):
        raise PermissionDenied(_("You don’t have permission to see this."))


class LiveSessionsView(ListAPIView[Session]):
    """Sessions in progress. `GET /api/sessions/{id}/` returns the transcript so far, and `POST …/end/` ends one."""

    token_scope = CLOSED
    queryset = Session.objects.none()
    serializer_class = SessionSummarySerializer
    pagination_class = None

    def get_queryset(self) -> Any:
        _check_may_follow(self.request)
        return live_sessions(authenticated_user(self.request))
