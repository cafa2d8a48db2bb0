import json
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import AnyAccept, person
from ai import AIUnavailable
from training.models import EndReason, Session, TranscriptTurn
from training.serializers import (
    FeelingSerializer,
    MessageSerializer,
    OneTimeCreatedSerializer,
    OneTimeSerializer,
    SessionFactsSerializer,
    SessionNameSerializer,
    SessionSerializer,
    TicketRequestSerializer,
    TicketSerializer,
    TurnSerializer,
    TurnsSerializer,
)
from training.services import lines, replies, sessions, tickets
from training.services.care import say_feeling
from training.services.one_time import create_one_time
from training.services.refusals import SessionRefused

logger = logging.getLogger(__name__)


class Conflict(APIException):
    """409 in the words of a SessionRefused."""

    status_code = 409

    def __init__(self, refused: SessionRefused) -> None:
        super().__init__(str(refused), refused.code)
        self.extra = {"session_id": str(refused.session_id)} if refused.session_id else {}


class CallerUnavailable(APIException):
    """503: the caller did not answer. What the counselor wrote is kept."""

    status_code = 503
    default_detail = "The caller did not answer. Your message is kept; send it again."

    def __init__(self, error: AIUnavailable) -> None:
        super().__init__(code="caller_unavailable")
        self.extra = {"retryable": error.retryable}


def _own(request: Request, pk: UUID) -> Session:
    mine = Session.objects.held_by(person(request)).select_related("scenario_version")
    return get_object_or_404(mine, pk=pk)


@extend_schema(methods=["GET"], responses=SessionSerializer)
@extend_schema(methods=["PATCH"], request=SessionNameSerializer, responses=SessionSerializer)
@api_view(["GET", "PATCH"])
def session_detail(request: Request, pk: UUID) -> Response:
    """The session and its transcript so far; its own counselor may give it a name."""
    if request.method == "PATCH":
        session = _own(request, pk)
        form = SessionNameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        session.name = form.validated_data["name"]
        session.save(update_fields=["name"])
    seen = Session.objects.for_user(person(request)).select_related("scenario_version")
    return Response(SessionSerializer(get_object_or_404(seen, pk=pk)).data)


@extend_schema(request=FeelingSerializer, responses=SessionFactsSerializer)
@api_view(["POST"])
def session_feeling(request: Request, pk: UUID) -> Response:
    """How it was for the one who practised. It changes no grade."""
    session = _own(request, pk)
    form = FeelingSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    say_feeling(session, form.validated_data["feeling"], form.validated_data["note"])
    return Response(SessionFactsSerializer(session).data)


@extend_schema(request=None, responses=SessionSerializer)
@api_view(["POST"])
def session_end(request: Request, pk: UUID) -> Response:
    """Hang up, or as a supervisor end somebody else's session. Over already: the session as it is."""
    session = get_object_or_404(Session.objects.endable_by(person(request)).select_related("scenario_version"), pk=pk)
    if session.counselor_id == person(request).pk:
        sessions.end_session(session, EndReason.HUNG_UP)
    else:
        sessions.end_by_supervisor(session)
    return Response(SessionSerializer(session).data)


@extend_schema(request=None, responses=SessionSerializer)
@api_view(["POST"])
def session_stop(request: Request, pk: UUID) -> Response:
    """Enough of it: no grade, no attempt, no question why. Over already: the session as it is."""
    session = _own(request, pk)
    sessions.stop_session(session)
    session.refresh_from_db()
    return Response(SessionSerializer(session).data)


@extend_schema(request=TicketRequestSerializer, responses={201: TicketSerializer})
@api_view(["POST"])
def session_ticket(request: Request, pk: UUID) -> Response:
    """A ticket for the call's socket, asked for when the counselor presses start."""
    session = _own(request, pk)
    if not session.is_phone:
        raise Conflict(SessionRefused("not_a_call", "This session is a chat."))
    if not session.is_live:
        raise Conflict(SessionRefused("session_over", "This call is over."))
    form = TicketRequestSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    may_displace = form.validated_data["take_over"] or form.validated_data.get("held") == session.epoch
    if lines.is_in_use(session) and not may_displace:
        raise Conflict(SessionRefused("in_use", "This call is open in another window or tab."))
    login = request.session.session_key if request.auth is None else ""
    ticket, signed = tickets.issue_ticket(session, login or "", session.epoch if may_displace else None)
    url = f"{settings.GATEWAY_URL.rstrip('/')}/ws/calls/{session.pk}/"
    return Response({"url": url, "ticket": signed, "expires_at": ticket.expires_at}, status=201)


@extend_schema(request=OneTimeSerializer, responses={201: OneTimeCreatedSerializer})
@api_view(["POST"])
def one_time(request: Request) -> Response:
    """Write a scenario for some counselors and assign it to them in one step; on any error nothing is kept."""
    author = person(request)
    if not author.has_perms(["scenarios.add_scenario", "training.add_assignment"]):
        raise PermissionDenied("Only people who may write scenarios and assign them can do this.")
    form = OneTimeSerializer(data=request.data, context={"request": request})
    form.is_valid(raise_exception=True)
    wanted = dict(form.validated_data)
    fields = dict(wanted.pop("scenario"))
    context, skills = fields.pop("evaluator_context", ""), fields.pop("skills", [])
    try:
        scenario, assignments = create_one_time(author, fields, context, skills, **wanted)
    except DjangoValidationError as error:
        raise ValidationError({"scenario": get_error_detail(error)}) from error
    return Response(OneTimeCreatedSerializer({"scenario": scenario, "assignments": assignments}).data, status=201)


class MessagesView(APIView):
    """A chat's messages: both turns at once, or the reply as it is written to `Accept: text/event-stream`."""

    content_negotiation_class = AnyAccept

    @extend_schema(request=MessageSerializer, responses={201: TurnsSerializer})
    def post(self, request: Request, pk: UUID) -> HttpResponseBase:
        session = _own(request, pk)
        form = MessageSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if session.is_phone:
            raise Conflict(SessionRefused("not_a_chat", "This session is a call: type into the call."))
        try:
            question = replies.ask(session, form.validated_data["content"])
        except SessionRefused as refused:
            raise Conflict(refused) from refused
        if "text/event-stream" in request.headers.get("Accept", ""):
            return StreamingHttpResponse(
                _events(question),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        try:
            caller = async_to_sync(replies.whole_answer)(question)
        except AIUnavailable as error:
            raise CallerUnavailable(error) from error
        except SessionRefused as refused:
            raise Conflict(refused) from refused
        return Response({"turns": TurnSerializer([question.turn, caller], many=True).data}, status=201)


async def _events(question: replies.Question) -> AsyncIterator[bytes]:
    yield _event("turn", TurnSerializer(question.turn).data)
    try:
        async for part in replies.answer(question):
            if isinstance(part, TranscriptTurn):
                yield _event("turn", TurnSerializer(part).data)
            else:
                yield _event("delta", {"text": part})
    except (AIUnavailable, SessionRefused) as error:
        logger.warning("No reply: %s", error.code, extra={"session_id": question.session.pk})
        yield _event("error", _as_error(error))


def _as_error(error: AIUnavailable | SessionRefused) -> dict[str, object]:
    if isinstance(error, SessionRefused):
        return {"detail": str(error), "code": error.code, "retryable": False}
    return {"detail": CallerUnavailable.default_detail, "code": "caller_unavailable", "retryable": error.retryable}


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, default=str)}\n\n".encode()
