"""What is said to a conversation afterwards: comments at its moments, and its counselor's own documentation."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http import AnyAccept, person
from accounts.prefer import preferred_wait, wait_until
from evaluation.documents import DocumentRefused
from evaluation.models import Comment, DocumentationReview
from evaluation.services.comments import comment
from evaluation.services.documenting import retry_documentation, submit_documentation
from recordings.models import Recording
from scenarios.serializers.fields import KnownFieldsOnly
from training.api import Conflict
from training.models import Session
from training.services.refusals import SessionRefused


class CommentSerializer(serializers.ModelSerializer[Comment]):
    author = serializers.CharField(source="author.__str__")

    class Meta:
        model = Comment
        fields = ["id", "author", "at_ms", "text", "created_at"]


class NewCommentSerializer(KnownFieldsOnly):
    at_ms = serializers.IntegerField(min_value=0, help_text="on the recording's clock")
    text = serializers.CharField(max_length=2000)


def _seen(request: Request, pk: UUID) -> Session:
    return get_object_or_404(Session.objects.for_user(person(request)), pk=pk)


@extend_schema(methods=["GET"], responses=CommentSerializer(many=True))
@extend_schema(methods=["POST"], request=NewCommentSerializer, responses={201: CommentSerializer})
@api_view(["GET", "POST"])
def comments(request: Request, pk: UUID) -> Response:
    """What supervisors say to moments of a call. Its counselor reads it beside the transcript."""
    session = _seen(request, pk)
    if request.method == "GET":
        rows = Comment.objects.for_user(person(request)).filter(session=session).select_related("author")
        return Response(CommentSerializer(rows, many=True).data)
    if not person(request).may_comment:
        raise PermissionDenied("Only people who are responsible for counselors can comment.")
    form = NewCommentSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    recording = Recording.objects.for_user(person(request)).filter(session=session).first()
    if recording is None or not recording.is_playable:
        raise Conflict(SessionRefused("not_recorded", "There is no recording of this conversation to comment on."))
    if form.validated_data["at_ms"] > (recording.duration_ms or 0):
        raise ValidationError({"at_ms": ["The recording is shorter than that."]})
    said = comment(session, person(request), form.validated_data["at_ms"], form.validated_data["text"])
    return Response(CommentSerializer(said).data, status=201)


@extend_schema(request=None, responses={204: None})
@api_view(["DELETE"])
def comment_delete(request: Request, pk: UUID, comment: str) -> Response:
    """Whoever said it may take it back."""
    mine = Comment.objects.for_user(person(request)).filter(session=_seen(request, pk), author=person(request))
    if not comment.isascii() or not comment.isdecimal() or len(comment) > 18:
        raise Http404("No Comment matches the given query.")
    get_object_or_404(mine, pk=comment).delete()
    return Response(status=204)


class DocumentationSerializer(serializers.ModelSerializer[DocumentationReview]):
    class Meta:
        model = DocumentationReview
        fields = [
            "id", "filename", "status", "failure", "created_at", "completed_at", "overall", "accuracy", "compliance",
            "summary", "gaps",
        ]  # fmt: skip


class HandedInSerializer(serializers.Serializer[Any]):
    document = serializers.FileField(allow_empty_file=True, help_text="PDF, DOCX, TXT or MD, up to 10 MB")


class DocumentationView(APIView):
    """A counselor's own documentation beside the transcript: a report of its own, no part of a grade."""

    parser_classes = [MultiPartParser, *APIView.parser_classes]
    content_negotiation_class = AnyAccept

    @extend_schema(responses=DocumentationSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """The report, or how far it is."""
        session = _seen(request, pk)
        rows = DocumentationReview.objects.for_user(person(request))
        return Response(DocumentationSerializer(get_object_or_404(rows, session=session)).data)

    @extend_schema(
        request={"multipart/form-data": HandedInSerializer},
        responses={200: DocumentationSerializer, 202: DocumentationSerializer},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Hand it in, once: 202 with a `Location` to poll; 200 when the report is there in time."""
        session = get_object_or_404(Session.objects.held_by(person(request)), pk=pk)
        form = HandedInSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            review = submit_documentation(session, person(request), form.validated_data["document"])
        except DocumentRefused as refused:
            raise ValidationError({"document": [str(refused)]}) from refused
        return _answer(request, review)


@extend_schema(request=None, responses={200: DocumentationSerializer, 202: DocumentationSerializer})
@api_view(["POST"])
def documentation_retry(request: Request, pk: UUID) -> Response:
    """Compare again what could not be compared. It has not failed: as it is."""
    rows = DocumentationReview.objects.for_user(person(request))
    review = get_object_or_404(rows, session=_seen(request, pk))
    retry_documentation(review)
    return _answer(request, review)


def _answer(request: Request, review: DocumentationReview) -> Response:
    def is_there() -> bool:
        review.refresh_from_db()
        return not review.is_under_way

    is_done = wait_until(is_there, preferred_wait(request))
    status, headers = (200, {}) if is_done else (202, {"Location": f"/api/sessions/{review.session_id}/documentation/"})
    return Response(DocumentationSerializer(review).data, status=status, headers=headers)
