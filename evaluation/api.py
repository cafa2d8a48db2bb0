from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import person
from accounts.prefer import preferred_wait, wait_until
from evaluation.models import Evaluation
from evaluation.serializers import EvaluationSerializer
from evaluation.services.grading import ask_for_feedback
from training.api import Conflict
from training.models import Session
from training.services.refusals import SessionRefused


@extend_schema(methods=["GET"], responses=EvaluationSerializer)
@extend_schema(methods=["POST"], request=None, responses={200: EvaluationSerializer, 202: EvaluationSerializer})
@api_view(["GET", "POST"])
def evaluation(request: Request, pk: UUID) -> Response:
    """Read feedback, or end the session and ask for it: 202 with a `Location` to poll, 200 when it is there."""
    session = get_object_or_404(Session.objects.for_user(person(request)), pk=pk)
    if request.method == "POST":
        try:
            ask_for_feedback(session, person(request))
        except SessionRefused as refused:
            raise Conflict(refused) from refused
    newest = session.evaluations.newest_first().first()
    if newest is None:
        raise Http404
    return _answer(request, newest)


def _answer(request: Request, newest: Evaluation) -> Response:
    def is_there() -> bool:
        newest.refresh_from_db()
        return not newest.is_under_way

    def shown() -> dict[str, object]:
        return EvaluationSerializer(newest, context={"reader": person(request)}).data

    if wait_until(is_there, preferred_wait(request)):
        return Response(shown())
    where = reverse("api-evaluation", args=[newest.session_id])
    status = 202 if request.method == "POST" else 200
    return Response(shown(), status=status, headers={"Location": where})
