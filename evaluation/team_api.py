"""How people are getting on, and what needs a supervisor now."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import person
from accounts.models import User
from accounts.paging import Pages
from evaluation.models import Tally
from evaluation.services.attention import attention_for, live_sessions
from evaluation.services.progress import advise, skills_of, whole_plot
from evaluation.services.team import team_rows
from training.models import Session
from training.serializers import SessionFactsSerializer

SPANS = (4, 12, 26, 52)  # weeks


class PointSerializer(serializers.Serializer[Any]):
    week = serializers.DateField(help_text="its Monday")
    percent = serializers.IntegerField(help_text="0 to 100")
    sessions = serializers.IntegerField()


class SkillProgressSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    percent = serializers.IntegerField(help_text="0 to 100, of the whole span")
    sessions = serializers.IntegerField()
    weeks = PointSerializer(source="plot.points", many=True)


class NextSerializer(serializers.Serializer[Any]):
    skill = serializers.CharField(source="skill.key")
    why = serializers.CharField()
    scenario = serializers.UUIDField(source="scenario.pk", default=None, allow_null=True)


class ProgressSerializer(serializers.Serializer[Any]):
    weeks = PointSerializer(many=True)
    skills = SkillProgressSerializer(many=True)
    next = NextSerializer(allow_null=True)


class TeamRowSerializer(serializers.Serializer[Any]):
    counselor = serializers.UUIDField(source="person.pk")
    name = serializers.CharField(source="person.__str__")
    external_id = serializers.CharField(source="person.external_id")
    sessions = serializers.IntegerField(help_text="graded ones of the span")
    average = serializers.IntegerField(source="percent", allow_null=True, help_text="0 to 100")
    last_practised_at = serializers.DateTimeField(source="last", allow_null=True)
    open = serializers.IntegerField(help_text="assignments")
    overdue = serializers.IntegerField(help_text="assignments")


def _span(request: Request) -> int:
    asked = request.query_params.get("weeks", "12")
    if asked not in {str(span) for span in SPANS}:
        raise ValidationError({"weeks": f"One of {', '.join(map(str, SPANS))} is wanted here."})
    return int(asked)


_WEEKS = OpenApiParameter("weeks", int, enum=list(SPANS), default=12)


@extend_schema(
    parameters=[_WEEKS, OpenApiParameter("counselor", UUID, description="an id; one's own without it")],
    responses=ProgressSerializer,
)
@api_view(["GET"])
def progress(request: Request) -> Response:
    """Skill by skill and week by week, and what to practise next."""
    weeks, who = _span(request), _counselor(request)
    rows = Tally.objects.for_user(person(request)).filter(counselor=who)
    skills = skills_of(rows, weeks)
    shown = {"weeks": whole_plot(rows, weeks).points, "skills": skills, "next": advise(who, skills)}
    return Response(ProgressSerializer(shown).data)


def _counselor(request: Request) -> User:
    wanted = request.query_params.get("counselor")
    if wanted is None:
        return person(request)
    try:
        pk = UUID(wanted)
    except ValueError:
        raise ValidationError({"counselor": "An id is wanted here."}) from None
    found: User = get_object_or_404(User.objects.for_user(person(request)), pk=pk)
    return found


def _check_leads(request: Request) -> None:
    if not person(request).has_perm("training.view_assignment"):
        raise PermissionDenied("Only people who are responsible for counselors can see this.")


class PagesOfTeam(Pages):
    ordering = ("last_name", "id")


@extend_schema(parameters=[_WEEKS])
class TeamView(ListAPIView[User]):
    """Each counselor in a line, by name."""

    queryset = User.objects.none()
    serializer_class = TeamRowSerializer
    pagination_class = PagesOfTeam

    def get_queryset(self) -> Any:
        return User.objects.for_user(person(self.request)).counselors()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        _check_leads(request)
        weeks = _span(request)
        people = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(TeamRowSerializer(team_rows(people or [], weeks), many=True).data)


class AttentionSerializer(serializers.Serializer[Any]):
    """How many of each kind."""

    talk_to = serializers.IntegerField(help_text="counselors who stopped often lately; no fault of theirs")
    flags = serializers.IntegerField()
    disputes = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="feedback that a person must look at")
    overdue = serializers.IntegerField(help_text="assignments")
    failed = serializers.IntegerField(help_text="assignments below their pass mark, of the last two weeks")
    declined = serializers.IntegerField(help_text="assignments, of the last two weeks")
    ungraded = serializers.IntegerField(help_text="conversations, of the last two weeks")


@extend_schema(responses=AttentionSerializer)
@api_view(["GET"])
def attention(request: Request) -> Response:
    """What needs a supervisor now."""
    _check_leads(request)
    return Response({kind: matter.count for kind, matter in attention_for(person(request)).items()})


class LiveView(ListAPIView[Session]):
    """Who is in a conversation now. `GET /api/sessions/{id}/` reads along, `POST …/end/` ends it."""

    queryset = Session.objects.none()
    serializer_class = SessionFactsSerializer
    pagination_class = None

    def get_queryset(self) -> Any:
        _check_leads(self.request)
        return live_sessions(person(self.request))
