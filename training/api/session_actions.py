"""API for a session's details, messages, feeling, tickets, and end, and for one-time scenarios."""

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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.integrations.scopes import token_scope
from accounts.web.created import created_response
from accounts.web.error_bodies import error_body
from accounts.web.request_inputs import without_body
from accounts.web.requests import JSONOnlyNegotiation, authenticated_user
from ai import AIUnavailableError
from training.api.assignment_serializers import OneTimeAssignmentResultSerializer, OneTimeAssignmentSerializer
from training.api.serializers import (
    CallTicketRequestSerializer,
    CallTicketSerializer,
    ChatMessageSerializer,
    ChatTurnsSerializer,
    SessionFeelingSerializer,
    SessionNameSerializer,
    SessionSerializer,
    SessionSummarySerializer,
    TurnSerializer,
)
from training.models import EndReason, Session, TranscriptTurn
from training.services import call_leases, call_tickets, chat_replies, sessions
from training.services.errors import SessionRefusedError
from training.services.one_time_scenarios import create_one_time
from training.services.wellbeing import record_feeling

logger = logging.getLogger(__name__)


class ConflictError(APIException):
    """409 response with the text and code of a SessionRefusedError."""

    status_code = 409

    def __init__(self, error: SessionRefusedError) -> None:
        super().__init__(str(error), error.code)
        self.extra = {"session_id": str(error.session_id)} if error.session_id else {}


class CallerUnavailableError(APIException):
    """503 response: the caller did not answer. The counselor's message is kept."""

    status_code = 503
    default_detail = _("The caller didn’t reply. Your message was saved. Send it again.")

    def __init__(self, error: AIUnavailableError) -> None:
        super().__init__(code="caller_unavailable")
        self.extra = {"retryable": error.retryable}


def _get_own_session(request: Request, pk: UUID) -> Session:
    mine = Session.objects.for_counselor(authenticated_user(request)).select_related("scenario_version")
    return get_object_or_404(mine, pk=pk)


@extend_schema(methods=["GET"], responses=SessionSerializer)
@extend_schema(methods=["PATCH"], request=SessionNameSerializer, responses=SessionSerializer)
@token_scope("sessions")
@api_view(["GET", "HEAD", "PATCH"])
def session_detail(request: Request, pk: UUID) -> Response:
    """Return the session and its transcript so far. Only its counselor may rename it."""
    if request.method == "PATCH":
        session = _get_own_session(request, pk)
        serializer = SessionNameSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        session.name = serializer.validated_data["name"]
        session.save(update_fields=["name"])
    visible = Session.objects.for_user(authenticated_user(request)).select_related("scenario_version")
    return Response(SessionSerializer(get_object_or_404(visible, pk=pk)).data)


@extend_schema(request=SessionFeelingSerializer, responses=SessionSummarySerializer)
@token_scope("sessions")
@api_view(["POST"])
def session_feeling(request: Request, pk: UUID) -> Response:
    """Save the counselor's rating of their own session. Grades are not affected."""
    session = _get_own_session(request, pk)
    serializer = SessionFeelingSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    record_feeling(session, serializer.validated_data["feeling"], serializer.validated_data["note"])
    return Response(SessionSummarySerializer(session, context={"request": request}).data)


@extend_schema(request=None, responses=SessionSerializer)
@without_body
@token_scope("sessions")
@api_view(["POST"])
def session_end(request: Request, pk: UUID) -> Response:
    """End the user's own session, or any counselor's session as a supervisor.

    Return the session unchanged if it is already over.
    """
    session = get_object_or_404(
        Session.objects.endable_by(authenticated_user(request)).select_related("scenario_version"), pk=pk
    )
    if session.counselor_id == authenticated_user(request).pk:
        sessions.end_session(session, EndReason.HUNG_UP)
    else:
        sessions.end_by_supervisor(session)
    return Response(SessionSerializer(session).data)


@extend_schema(request=None, responses=SessionSerializer)
@without_body
@token_scope("sessions")
@api_view(["POST"])
def session_stop(request: Request, pk: UUID) -> Response:
    """Stop the user's own session. It is not graded and does not count as an attempt. No reason is needed.

    Return the session unchanged if it is already over.
    """
    session = _get_own_session(request, pk)
    sessions.stop_session(session)
    session.refresh_from_db()
    return Response(SessionSerializer(session).data)


@extend_schema(request=CallTicketRequestSerializer, responses={201: CallTicketSerializer})
@token_scope("sessions")
@api_view(["POST"])
def session_ticket(request: Request, pk: UUID) -> Response:
    """Issue a ticket for the call's socket when the counselor presses start.

    Return 409 if the session is a chat, is over, or is in use elsewhere.
    """
    session = _get_own_session(request, pk)
    if not session.is_phone:
        raise ConflictError(SessionRefusedError("not_a_call", gettext("This session is a chat.")))
    if not session.is_live:
        raise ConflictError(SessionRefusedError("session_over", gettext("This call has ended.")))
    serializer = CallTicketRequestSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    may_displace = serializer.validated_data["take_over"] or serializer.validated_data.get("held") == session.epoch
    if call_leases.is_call_held(session) and not may_displace:
        raise ConflictError(SessionRefusedError("in_use", gettext("This call is open in another window or tab.")))
    login = request.session.session_key if request.auth is None else ""
    ticket, signed = call_tickets.issue_ticket(session, login or "", session.epoch if may_displace else None)
    url = f"{settings.GATEWAY_URL.rstrip('/')}/ws/calls/{session.pk}/"
    return Response({"url": url, "ticket": signed, "expires_at": ticket.expires_at}, status=201)


@extend_schema(request=OneTimeAssignmentSerializer, responses={201: OneTimeAssignmentResultSerializer})
@token_scope("assignments")
@api_view(["POST"])
def create_one_time_scenario(request: Request) -> Response:
    """Create a scenario for some counselors and assign it in one step. If anything fails, nothing is saved."""
    author = authenticated_user(request)
    if not author.has_perms(["scenarios.add_scenario", "training.add_assignment"]):
        raise PermissionDenied(gettext("You don’t have permission to create and assign scenarios."))
    serializer = OneTimeAssignmentSerializer(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    wanted = dict(serializer.validated_data)
    fields = dict(wanted.pop("scenario"))
    context, skills = fields.pop("evaluator_context", ""), fields.pop("skills", [])
    try:
        scenario, assignments = create_one_time(author, fields, context, skills, **wanted)
    except DjangoValidationError as error:
        raise ValidationError({"scenario": get_error_detail(error)}) from error
    data = OneTimeAssignmentResultSerializer({"scenario": scenario, "assignments": assignments}).data
    return created_response(data, "api:scenarios:detail", scenario.pk)


class MessagesView(APIView):
    """Messages of a chat. The response is both turns, or a stream of events for `Accept: text/event-stream`."""

    token_scope = "sessions"
    content_negotiation_class = JSONOnlyNegotiation

    @extend_schema(request=ChatMessageSerializer, responses={201: ChatTurnsSerializer})
    def post(self, request: Request, pk: UUID) -> HttpResponseBase:
        session = _get_own_session(request, pk)
        serializer = ChatMessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if session.is_phone:
            raise ConflictError(
                SessionRefusedError("not_a_chat", gettext("This session is a call. Type your message in the call."))
            )
        try:
            pending = chat_replies.submit_message(session, serializer.validated_data["content"])
        except SessionRefusedError as error:
            raise ConflictError(error) from error
        if "text/event-stream" in request.headers.get("Accept", ""):
            return StreamingHttpResponse(
                _stream_events(pending),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        try:
            caller = async_to_sync(chat_replies.complete_answer)(pending)
        except AIUnavailableError as error:
            raise CallerUnavailableError(error) from error
        except SessionRefusedError as error:
            raise ConflictError(error) from error
        data = {"turns": TurnSerializer([pending.turn, caller], many=True).data}
        return created_response(data, "api:training:session_detail", session.pk)


async def _stream_events(pending: chat_replies.PendingReply) -> AsyncIterator[bytes]:
    """Yield server-sent events: the counselor's turn, `delta` for each piece, then the caller's turn or an `error`."""
    yield _encode_event("turn", TurnSerializer(pending.turn).data)
    try:
        async for part in chat_replies.stream_answer(pending):
            if isinstance(part, TranscriptTurn):
                yield _encode_event("turn", TurnSerializer(part).data)
            else:
                yield _encode_event("delta", {"text": part})
    except (AIUnavailableError, SessionRefusedError) as error:
        logger.warning("No reply: %s", error.code, extra={"session_id": pending.session.pk})
        yield _encode_event("error", _error_payload(error))


def _error_payload(error: AIUnavailableError | SessionRefusedError) -> dict[str, object]:
    if isinstance(error, SessionRefusedError):
        return error_body(str(error), error.code) | {"retryable": False}
    body = error_body(str(CallerUnavailableError.default_detail), "caller_unavailable")
    return body | {"retryable": error.retryable}


def _encode_event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, default=str)}\n\n".encode()
