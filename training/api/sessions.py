"""API that lists sessions and starts new ones."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.web.created import created_response
from accounts.web.pagination import StandardCursorPagination
from accounts.web.prefer_header import preferred_wait
from accounts.web.requests import authenticated_user
from accounts.web.waiting import respond_when_done
from scenarios.models import Mode, Scenario
from training.api.serializers import WARM_UP, SessionSerializer, SessionSummarySerializer, StartSessionSerializer
from training.api.session_actions import ConflictError
from training.models import Assignment, Session, SessionQuerySet
from training.services import session_start
from training.services.errors import SessionRefusedError
from training.services.greetings import has_greeting


class SessionFilter(filters.FilterSet):
    """Session filters. Dates are in the center's time zone and include both ends."""

    counselor = filters.UUIDFilter(field_name="counselor_id", help_text=_("ID of the counselor"))
    external_id = filters.CharFilter(
        field_name="counselor__external_id", help_text=_("ID of the counselor in your own system")
    )
    scenario = filters.UUIDFilter(field_name="scenario_id", help_text=_("ID of the scenario"))
    assignment = filters.UUIDFilter(
        field_name="assignment_id", help_text=_("ID of the assignment; returns its attempts")
    )
    mode = filters.ChoiceFilter(choices=Mode.choices)
    kind = filters.ChoiceFilter(choices=Session.Kind.choices)
    status = filters.ChoiceFilter(choices=Session.Status.choices)
    date_from = filters.DateFilter(field_name="started_at__date", lookup_expr="gte")
    date_to = filters.DateFilter(field_name="started_at__date", lookup_expr="lte")
    search = filters.CharFilter(
        method="filter_search",
        help_text=_("Text in the title or the counselor’s name; for your own sessions, also in the transcript"),
    )

    class Meta:
        model = Session
        fields: list[str] = []

    def filter_search(self, queryset: SessionQuerySet, name: str, value: str) -> SessionQuerySet:
        return queryset.matching_for(authenticated_user(self.request), value)


class SessionPagination(StandardCursorPagination):
    ordering = ("-started_at", "id")


@extend_schema_view(get=extend_schema(description="The user's sessions, and others' that the user may read."))
class SessionListView(ListAPIView[Session]):
    token_scope = "sessions"
    queryset = Session.objects.none()
    serializer_class = SessionSummarySerializer
    pagination_class = SessionPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = SessionFilter

    def get_queryset(self) -> Any:
        user = authenticated_user(self.request)
        listed = Session.objects.for_user(user).without_warm_ups()
        return listed.select_related("counselor", "scenario_version")

    @extend_schema(request=StartSessionSerializer, responses={200: SessionSerializer, 201: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Start a session. Return 201 at once, with `greeting: pending`.

        Return 200 with the live session if that assignment or trial has one, or the live warm-up call.
        """
        serializer = StartSessionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if serializer.validated_data.get("user_id", authenticated_user(request).pk) != authenticated_user(request).pk:
            raise PermissionDenied(gettext("You can only start a session for yourself."))
        try:
            session, is_new = _start(request, serializer.validated_data)
        except SessionRefusedError as error:
            raise ConflictError(error) from error

        def respond(is_ready: bool) -> Response:
            data = SessionSerializer(session).data
            return created_response(data, "api:training:session_detail", session.pk) if is_new else Response(data)

        return respond_when_done(lambda: has_greeting(session), respond, preferred_wait(request))


def _start(request: Request, wanted: dict[str, Any]) -> tuple[Session, bool]:
    user = authenticated_user(request)
    if wanted["type"] == "assignment":
        mine = Assignment.objects.for_user(user).filter(counselor=user).select_related("scenario", "counselor")
        return session_start.start_assignment(get_object_or_404(mine, pk=wanted["assignment_id"]))
    if wanted["type"] == WARM_UP:
        return session_start.start_warm_up(user)
    if wanted["type"] == "trial":
        return session_start.start_trial(user, _get_trial_source(user, wanted["scenario_id"]), wanted["mode"])
    session_start.check_free_practice(user, wanted["mode"])
    scenario = None
    if "scenario_id" in wanted:
        scenario = get_object_or_404(Scenario.objects.playable_by(user), pk=wanted["scenario_id"])
    return session_start.start_free_practice(user, wanted["mode"], scenario, wanted.get("focus", ""))


def _get_trial_source(user: User, pk: UUID) -> session_start.TrialSource:
    if not session_start.can_start_trial(user):
        raise PermissionDenied(gettext("You don’t have permission to try scenarios."))
    source = session_start.find_trial_source(user, pk)
    if source is None:
        raise Http404
    return source
