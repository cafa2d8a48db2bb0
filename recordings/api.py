import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.exceptions import APIException
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http import person
from accounts.paging import Pages
from recordings.audio import Mono, Stored
from recordings.filters import RecordingFilter
from recordings.models import Recording, RecordingQuerySet
from recordings.objects import StoreAway
from recordings.serializers import LinkSerializer, RecordingSerializer
from recordings.storage import object_store
from recordings.views import AWAY, wav_response

logger = logging.getLogger(__name__)

LINK_LIVES = 60  # seconds


class Unavailable(APIException):
    status_code = 503
    default_code = "store_away"
    default_detail = AWAY


class RecordingList(ListAPIView[Recording]):
    """A counselor's own recordings; everyone else's organization."""

    queryset = Recording.objects.none()
    serializer_class = RecordingSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = RecordingFilter

    def get_queryset(self) -> RecordingQuerySet:
        user = person(self.request)
        seen: Any = Recording.objects.for_user(user).practised_or_own(user)
        return seen.select_related("session__scenario_version")


@extend_schema(
    parameters=[OpenApiParameter("mix", str, enum=["mono"], description="both voices in one channel")],
    responses={(200, "audio/wav"): OpenApiTypes.BINARY, (206, "audio/wav"): OpenApiTypes.BINARY},
)
@api_view(["GET", "HEAD"])
def download(request: Request, pk: UUID) -> HttpResponseBase:
    """The recording as a WAV file: counselor left, caller right."""
    recording = _playable(request, pk)
    audio = Mono(recording) if request.query_params.get("mix") == "mono" else Stored(recording)
    try:
        response = wav_response(request, audio)
    except StoreAway as away:
        raise Unavailable from away
    response["Content-Disposition"] = f'attachment; filename="{_filename(recording)}"'
    _note(request, recording)
    return response


@extend_schema(responses=LinkSerializer)
@api_view(["GET"])
def link(request: Request, pk: UUID) -> Response:
    """An address to download from. From the store itself where it signs any: for a minute, for whoever has it."""
    recording = _playable(request, pk)
    try:
        signed = object_store().signed_url(recording.file.name or "", LINK_LIVES, _filename(recording))
    except StoreAway as away:
        raise Unavailable from away
    _note(request, recording)
    ours = request.build_absolute_uri(reverse("api-recording-download", args=[recording.pk]))
    expires_at = timezone.now() + timedelta(seconds=LINK_LIVES) if signed else None
    return Response(LinkSerializer({"url": signed or ours, "expires_at": expires_at}).data)


def _playable(request: Request, pk: UUID) -> Recording:
    return get_object_or_404(Recording.objects.for_user(person(request)).exclude(file=""), pk=pk)


def _filename(recording: Recording) -> str:
    """Names nobody."""
    return f"steadyline-{recording.session_id}.wav"


def _note(request: Request, recording: Recording) -> None:
    ids = {"session_id": recording.session_id, "user_id": person(request).pk}
    logger.info("Recording downloaded", extra=ids)
