from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.files.base import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request

from accounts.http import SignedInRequest, person
from recordings.models import Recording
from recordings.ranges import Span, Unsatisfiable, parse_range

BLOCK = 256 * 1024  # bytes read at once


@login_required
@require_safe
def audio(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The recording for the page's player: single ranges, so that one can seek without loading it whole."""
    return _wav(request, get_object_or_404(Recording.objects.for_user(request.user).exclude(file=""), pk=pk))


@extend_schema(responses={(200, "audio/wav"): OpenApiTypes.BINARY, (206, "audio/wav"): OpenApiTypes.BINARY})
@api_view(["GET", "HEAD"])
def download(request: Request, pk: UUID) -> HttpResponseBase:
    """The recording as a WAV file: counselor left, caller right."""
    recording = get_object_or_404(Recording.objects.for_user(person(request)).exclude(file=""), pk=pk)
    response = _wav(request, recording)
    response["Content-Disposition"] = f'attachment; filename="steadyline-{recording.session_id}.wav"'
    return response


def _wav(request: HttpRequest | Request, recording: Recording) -> HttpResponseBase:
    size, tag = recording.size or 0, f'"{recording.sha256}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    # Ranges are for GET, and only of the file that the reader already knows.
    has_range = request.method == "GET" and request.headers.get("If-Range", tag) == tag
    try:
        asked = parse_range(request.headers.get("Range", ""), size) if has_range else None
    except Unsatisfiable:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    span = asked or Span(0, size - 1)
    headers["Content-Length"] = str(span.length)
    if asked:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{size}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type="audio/wav", headers=headers)
    try:
        body = _blocks(recording.file.open("rb"), span)
    except FileNotFoundError:
        raise Http404 from None
    return StreamingHttpResponse(body, status=status, content_type="audio/wav", headers=headers)


async def _blocks(file: File, span: Span) -> AsyncIterator[bytes]:
    """The bytes of the span, a block at a time."""
    left = span.length
    try:
        await sync_to_async(file.seek)(span.first)
        while left > 0 and (block := await sync_to_async(file.read)(min(BLOCK, left))):
            left -= len(block)
            yield block
    finally:
        file.close()
