"""API for the feedback on a session."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.integrations.scopes import token_scope
from accounts.web.prefer_header import preferred_wait
from accounts.web.request_inputs import without_body
from accounts.web.requests import authenticated_user
from accounts.web.waiting import respond_when_done
from evaluation.api.serializers import EvaluationSerializer
from evaluation.models import Evaluation
from evaluation.services.feedback_requests import request_feedback
from training.api.session_actions import ConflictError
from training.models import Session
from training.services.errors import SessionRefusedError


@extend_schema(methods=["GET"], responses=EvaluationSerializer)
@extend_schema(methods=["POST"], request=None, responses={200: EvaluationSerializer, 202: EvaluationSerializer})
@without_body
@token_scope("evaluations")
@api_view(["GET", "HEAD", "POST"])
def session_evaluation(request: Request, pk: UUID) -> Response:
    """Read feedback, or end the session and request it: 202 with a `Location` to poll, or 200 once it is ready."""
    session = get_object_or_404(Session.objects.for_user(authenticated_user(request)), pk=pk)
    if request.method == "POST":
        try:
            request_feedback(session, authenticated_user(request))
        except SessionRefusedError as error:
            raise ConflictError(error) from error
    newest = session.evaluations.newest_first().first()
    if newest is None:
        raise Http404
    return _evaluation_response(request, newest)


def _evaluation_response(request: Request, newest: Evaluation) -> Response:
    def is_finished() -> bool:
        newest.refresh_from_db()
        return not newest.is_under_way

    def respond(is_done: bool) -> Response:
        data = EvaluationSerializer(newest, context={"reader": authenticated_user(request)}).data
        if is_done:
            return Response(data)
        location = reverse("api:evaluation:session_evaluation", args=[newest.session_id])
        return Response(data, status=202 if request.method == "POST" else 200, headers={"Location": location})

    return respond_when_done(is_finished, respond, preferred_wait(request))
