from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.filters import StrictFilterSet
from accounts.http import person
from accounts.models import User
from accounts.paging import Pages
from accounts.prefer import preferred_wait, wait_until
from scenarios.models import Mode, Scenario
from training.api import Conflict
from training.models import Assignment, Session, SessionQuerySet
from training.serializers import SessionFactsSerializer, SessionSerializer, StartSerializer
from training.services import sessions
from training.services.refusals import SessionRefused


class SessionFilter(StrictFilterSet):
    """Dates are in the center's time zone; both ends are included."""

    counselor = filters.UUIDFilter(field_name="counselor_id", help_text="an id")
    external_id = filters.CharFilter(field_name="counselor__external_id", help_text="the counselor's, as you know them")
    scenario = filters.UUIDFilter(field_name="scenario_id", help_text="an id")
    assignment = filters.UUIDFilter(field_name="assignment_id", help_text="an id: its attempts")
    mode = filters.ChoiceFilter(choices=Mode.choices)
    kind = filters.ChoiceFilter(choices=Session.Kind.choices)
    status = filters.ChoiceFilter(choices=Session.Status.choices)
    date_from = filters.DateFilter(field_name="started_at__date", lookup_expr="gte")
    date_to = filters.DateFilter(field_name="started_at__date", lookup_expr="lte")
    search = filters.CharFilter(method="like", help_text="title or counselor; of one's own also every word")

    class Meta:
        model = Session
        fields: list[str] = []

    def like(self, queryset: SessionQuerySet, name: str, value: str) -> SessionQuerySet:
        return queryset.found_by(person(self.request), value)


class NewestSessionsFirst(Pages):
    ordering = ("-started_at", "id")


@extend_schema_view(get=extend_schema(description="One's own; for everyone but counselors their organization's."))
class SessionsView(ListAPIView[Session]):
    queryset = Session.objects.none()
    serializer_class = SessionFactsSerializer
    pagination_class = NewestSessionsFirst
    filter_backends = [DjangoFilterBackend]
    filterset_class = SessionFilter

    def get_queryset(self) -> Any:
        user = person(self.request)
        return Session.objects.for_user(user).for_history(user).select_related("counselor", "scenario_version")

    @extend_schema(request=StartSerializer, responses={200: SessionSerializer, 201: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Begin a session: 201 at once, `greeting: pending`. The live one of that assignment or trial again: 200."""
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data.get("user_id", person(request).pk) != person(request).pk:
            raise PermissionDenied("A session is begun by the one who practises.")
        try:
            session, is_new = _start(request, form.validated_data)
        except SessionRefused as refused:
            raise Conflict(refused) from refused
        _wait_for_greeting(request, session)
        return Response(SessionSerializer(session).data, status=201 if is_new else 200)


def _start(request: Request, wanted: dict[str, Any]) -> tuple[Session, bool]:
    user = person(request)
    if wanted["type"] == "assignment":
        mine = Assignment.objects.for_user(user).filter(counselor=user).select_related("scenario", "counselor")
        return sessions.start_assignment(get_object_or_404(mine, pk=wanted["assignment_id"]))
    if wanted["type"] == "trial":
        return sessions.start_trial(user, _to_try(user, wanted["scenario_id"]), wanted["mode"])
    scenario = None
    if "scenario_id" in wanted:
        scenario = get_object_or_404(Scenario.objects.playable_by(user), pk=wanted["scenario_id"])
    return sessions.start_free_practice(user, wanted["mode"], scenario, wanted.get("focus", ""))


def _to_try(user: User, scenario_id: UUID) -> Scenario:
    if not sessions.may_try(user):
        raise PermissionDenied("Only people who may change scenarios can try them.")
    return get_object_or_404(Scenario.objects.for_user(user), pk=scenario_id)


def _wait_for_greeting(request: Request, session: Session) -> None:
    def is_ready() -> bool:
        session.refresh_from_db()
        return session.greeting_status != Session.Greeting.PENDING

    wait_until(is_ready, preferred_wait(request))
