"""API for comments on conversations and their moments, and for the counselor's documentation of it."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.integrations.scopes import token_scope
from accounts.models import User
from accounts.procedures.unread_parts import explain_unread_parts
from accounts.web.created import created_response
from accounts.web.parsers import CleanMultiPartParser
from accounts.web.prefer_header import preferred_wait
from accounts.web.request_inputs import without_body
from accounts.web.requests import JSONOnlyNegotiation, authenticated_user
from accounts.web.serializers import StrictSerializer
from accounts.web.waiting import respond_when_done
from evaluation.files.text_extraction import DocumentRejectedError
from evaluation.models import Comment, DocumentationReview
from evaluation.services.comments import add_comment
from evaluation.services.documentation import read_documentation, retry_documentation, submit_documentation
from recordings.models import Recording
from training.api.session_actions import ConflictError
from training.models import Session
from training.services.errors import SessionRefusedError


class CommentSerializer(serializers.ModelSerializer[Comment]):
    author = serializers.CharField(source="author.__str__")

    class Meta:
        model = Comment
        fields = ["id", "author", "at_ms", "text", "created_at"]


class NewCommentSerializer(StrictSerializer):
    at_ms = serializers.IntegerField(
        min_value=0,
        required=False,
        allow_null=True,
        default=None,
        help_text=gettext_lazy("Position in the recording, in milliseconds. Null for the whole conversation."),
    )
    text = serializers.CharField(max_length=2000)


def _get_visible_session(request: Request, pk: UUID) -> Session:
    return get_object_or_404(Session.objects.for_user(authenticated_user(request)), pk=pk)


@extend_schema(methods=["GET"], responses=CommentSerializer(many=True))
@extend_schema(methods=["POST"], request=NewCommentSerializer, responses={201: CommentSerializer})
@token_scope("sessions")
@api_view(["GET", "HEAD", "POST"])
def session_comments(request: Request, pk: UUID) -> Response:
    """List or add supervisors' comments on a conversation or on moments of it. Its counselor reads them, too."""
    session = _get_visible_session(request, pk)
    reader = authenticated_user(request)
    if session.counselor_id != reader.pk and not reader.has_perm("evaluation.view_comment"):
        raise PermissionDenied(_("You don’t have permission to read comments."))
    if request.method != "POST":
        rows = Comment.objects.for_user(authenticated_user(request)).filter(session=session).select_related("author")
        return Response(CommentSerializer(rows, many=True).data)
    if not authenticated_user(request).may_comment:
        raise PermissionDenied(_("You don’t have permission to comment."))
    serializer = NewCommentSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    at_ms = serializer.validated_data["at_ms"]
    _check_moment(session, authenticated_user(request), at_ms)
    comment = add_comment(session, authenticated_user(request), at_ms, serializer.validated_data["text"])
    return created_response(CommentSerializer(comment).data, "api:evaluation:session_comment", session.pk, comment.pk)


def _check_moment(session: Session, user: User, at_ms: int | None) -> None:
    """Raise ConflictError for a live conversation or one without a recording, ValidationError beyond its end."""
    if session.is_live:
        raise ConflictError(SessionRefusedError("session_live", _("This conversation is still in progress.")))
    if at_ms is None:
        return
    recording = Recording.objects.listenable_by(user).filter(session=session).first()
    if recording is None or not recording.is_playable:
        raise ConflictError(SessionRefusedError("not_recorded", _("This conversation has no recording to comment on.")))
    if at_ms > (recording.duration_ms or 0):
        raise ValidationError({"at_ms": [_("The recording is shorter than that.")]})


@extend_schema(request=None, responses={204: None})
@token_scope("sessions")
@api_view(["DELETE"])
def comment_delete(request: Request, pk: UUID, comment: str) -> Response:
    """Delete the user's own comment."""
    mine = Comment.objects.for_user(authenticated_user(request)).filter(
        session=_get_visible_session(request, pk), author=authenticated_user(request)
    )
    if not comment.isascii() or not comment.isdecimal() or len(comment) > 18:
        raise Http404
    get_object_or_404(mine, pk=comment).delete()
    return Response(status=204)


class DocumentationSerializer(serializers.ModelSerializer[DocumentationReview]):
    unread = serializers.SerializerMethodField()

    class Meta:
        model = DocumentationReview
        fields = [
            "id", "filename", "status", "failure", "created_at", "completed_at", "overall", "accuracy", "compliance",
            "summary", "gaps", "text", "unread",
        ]  # fmt: skip

    def get_unread(self, review: DocumentationReview) -> list[str]:
        """Return one sentence for each kind of part that could not be read."""
        return explain_unread_parts(review.unread)

    def to_representation(self, instance: DocumentationReview) -> dict[str, Any]:
        return super().to_representation(instance) | {"failure": instance.failure_text}


class DocumentationUploadSerializer(StrictSerializer):
    document = serializers.FileField(
        allow_empty_file=True, help_text=gettext_lazy("PDF, DOCX, TXT, or MD, up to 10 MB.")
    )

    preview = serializers.BooleanField(
        default=False, help_text=gettext_lazy("Return the text that was read, and submit nothing.")
    )


class DocumentationPreviewSerializer(serializers.Serializer[Any]):
    """The text that was read from a file, and sentences about what was not read."""

    filename = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    unread = serializers.ListField(source="unread_sentences", child=serializers.CharField(), read_only=True)


class DocumentationView(APIView):
    """A counselor's own documentation compared with the transcript: a separate report, not part of a grade."""

    token_scope = "sessions"
    parser_classes = [CleanMultiPartParser, *APIView.parser_classes]
    content_negotiation_class = JSONOnlyNegotiation

    @extend_schema(responses=DocumentationSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Return the report, or its status while it is being prepared."""
        session = _get_visible_session(request, pk)
        rows = DocumentationReview.objects.for_user(authenticated_user(request))
        return Response(DocumentationSerializer(get_object_or_404(rows, session=session)).data)

    @extend_schema(
        request={"multipart/form-data": DocumentationUploadSerializer},
        responses={
            200: PolymorphicProxySerializer(
                component_name="DocumentationOrPreview",
                serializers=[DocumentationSerializer, DocumentationPreviewSerializer],
                resource_type_field_name=None,
            ),
            202: DocumentationSerializer,
        },
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Submit documentation, once. With `preview`, return only what was read.

        Return 202 with a `Location` to poll, or 200 if the report is ready in time.
        """
        user = authenticated_user(request)
        session = get_object_or_404(Session.objects.for_counselor(user), pk=pk)
        serializer = DocumentationUploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            document = read_documentation(session, user, serializer.validated_data["document"])
            if serializer.validated_data["preview"]:
                return Response(DocumentationPreviewSerializer(document).data)
            review = submit_documentation(session, user, document)
        except DocumentRejectedError as error:
            raise ValidationError({"document": [str(error)]}) from error
        return _documentation_response(request, review)


@extend_schema(request=None, responses={200: DocumentationSerializer, 202: DocumentationSerializer})
@without_body
@token_scope("sessions")
@api_view(["POST"])
def documentation_retry(request: Request, pk: UUID) -> Response:
    """Retry a failed comparison. If it has not failed, return it as it is."""
    rows = DocumentationReview.objects.retryable_by(authenticated_user(request))
    review = get_object_or_404(rows, session=_get_visible_session(request, pk))
    retry_documentation(review, authenticated_user(request))
    return _documentation_response(request, review)


def _documentation_response(request: Request, review: DocumentationReview) -> Response:
    def is_finished() -> bool:
        review.refresh_from_db()
        return not review.is_under_way

    def respond(is_done: bool) -> Response:
        location = reverse("api:evaluation:session_documentation", args=[review.session_id])
        status, headers = (200, {}) if is_done else (202, {"Location": location})
        return Response(DocumentationSerializer(review).data, status=status, headers=headers)

    return respond_when_done(is_finished, respond, preferred_wait(request))
