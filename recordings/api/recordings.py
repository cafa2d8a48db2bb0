import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.integrations.scopes import token_scope
from accounts.web.pagination import StandardCursorPagination
from accounts.web.request_inputs import query_parameters
from accounts.web.requests import authenticated_user
from recordings.api.filters import RecordingFilter
from recordings.api.serializers import RecordingLinkSerializer, RecordingSerializer
from recordings.models import Recording, RecordingQuerySet
from recordings.object_store import StoreUnavailableError
from recordings.playback.streams import MonoAudio, StoredAudio
from recordings.storage import object_store
from recordings.views import STORE_UNAVAILABLE_TEXT, wav_response

logger = logging.getLogger(__name__)

LINK_LIFETIME = 60  # seconds


class RecordingStoreUnavailableError(APIException):
    status_code = 503
    default_code = "store_away"
    default_detail = STORE_UNAVAILABLE_TEXT


class RecordingListView(ListAPIView[Recording]):
    """List of recordings: the user's own, and others' if the user may see them."""

    token_scope = "recordings"
    queryset = Recording.objects.none()
    serializer_class = RecordingSerializer
    pagination_class = StandardCursorPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class = RecordingFilter

    def get_queryset(self) -> RecordingQuerySet:
        visible: Any = Recording.objects.for_user(authenticated_user(self.request))
        return visible.select_related("session__scenario_version")


@extend_schema(
    parameters=[OpenApiParameter("mix", str, enum=["mono"], description="Both voices in one channel.")],
    responses={(200, "audio/wav"): OpenApiTypes.BINARY, (206, "audio/wav"): OpenApiTypes.BINARY},
)
@query_parameters("mix")
@token_scope("recordings")
@api_view(["GET", "HEAD"])
def recording_download(request: Request, pk: UUID) -> HttpResponseBase:
    """Download a recording as a WAV file: counselor in the left channel, caller in the right."""
    recording = _get_downloadable(request, pk)
    audio = MonoAudio(recording) if _wants_mono(request) else StoredAudio(recording)
    try:
        response = wav_response(request, audio)
    except StoreUnavailableError as error:
        raise RecordingStoreUnavailableError from error
    response["Content-Disposition"] = f'attachment; filename="{_filename(recording)}"'
    _log_download(request, recording)
    return response


@extend_schema(responses=RecordingLinkSerializer)
@token_scope("recordings")
@api_view(["GET", "HEAD"])
def recording_link(request: Request, pk: UUID) -> Response:
    """Return a download URL. If the store can sign URLs, it is valid for one minute for anyone who has it."""
    recording = _get_downloadable(request, pk)
    try:
        signed_url = object_store().signed_url(recording.file.name or "", LINK_LIFETIME, _filename(recording))
    except StoreUnavailableError as error:
        raise RecordingStoreUnavailableError from error
    _log_download(request, recording)
    own_url = request.build_absolute_uri(reverse("api:recordings:recording_download", args=[recording.pk]))
    expires_at = timezone.now() + timedelta(seconds=LINK_LIFETIME) if signed_url else None
    return Response(RecordingLinkSerializer({"url": signed_url or own_url, "expires_at": expires_at}).data)


def _wants_mono(request: Request) -> bool:
    mix = request.query_params.get("mix")
    if mix not in {None, "mono"}:
        raise ValidationError({"mix": _("Enter one of these: %(choices)s.") % {"choices": "mono"}})
    return mix == "mono"


def _get_downloadable(request: Request, pk: UUID) -> Recording:
    return get_object_or_404(Recording.objects.downloadable_by(authenticated_user(request)).exclude(file=""), pk=pk)


def _filename(recording: Recording) -> str:
    """Return the filename of the download, which contains nobody's name."""
    return f"steadyline-{recording.session_id}.wav"


def _log_download(request: Request, recording: Recording) -> None:
    ids = {"session_id": recording.session_id, "user_id": authenticated_user(request).pk}
    logger.info("Recording downloaded", extra=ids)
