from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from accounts.services.database_connections import release_connection
from accounts.web.requests import AuthenticatedRequest
from recordings.models import Recording
from recordings.object_store import ObjectReader, StoreUnavailableError
from recordings.playback.byte_ranges import ByteRange, UnsatisfiableRangeError, parse_range
from recordings.playback.streams import AudioStream, StoredAudio

BLOCK_SIZE = 256 * 1024  # bytes read at once
STORE_UNAVAILABLE_TEXT = _("Recordings are temporarily unavailable. Nothing was lost. Try again in a minute.")


@login_required
@require_safe
def recording_audio(request: AuthenticatedRequest, pk: UUID) -> HttpResponseBase:
    """Serve a recording to the page's player. Single ranges let it seek without loading the whole file."""
    recording = get_object_or_404(Recording.objects.listenable_by(request.user).exclude(file=""), pk=pk)
    try:
        return wav_response(request, StoredAudio(recording))
    except StoreUnavailableError:
        return HttpResponse(
            STORE_UNAVAILABLE_TEXT, status=503, content_type="text/plain", headers={"Retry-After": "30"}
        )


def wav_response(request: HttpRequest | Request, audio: AudioStream) -> HttpResponseBase:
    """Stream the requested range in blocks. Raise Http404 or StoreUnavailableError if it cannot be opened."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": audio.etag,
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    # Ranges apply to GET only, and only while If-Range, if sent, still matches.
    has_range = request.method == "GET" and request.headers.get("If-Range", audio.etag) == audio.etag
    try:
        requested = parse_range(request.headers.get("Range", ""), audio.size) if has_range else None
    except UnsatisfiableRangeError:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{audio.size}"})
    span = requested or ByteRange(0, audio.size - 1)
    headers["Content-Length"] = str(span.length)
    if requested:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{audio.size}"
    status = 206 if requested else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type="audio/wav", headers=headers)
    release_connection()  # the store may take seconds to answer
    try:
        body = StreamedBlocks(audio.open(span))
    except FileNotFoundError:
        raise Http404 from None
    return StreamingHttpResponse(body, status=status, content_type="audio/wav", headers=headers)


class StreamedBlocks:
    """Async iterator over a file's blocks. Django closes it with the response, even if no block was read."""

    def __init__(self, part: ObjectReader) -> None:
        self.close = part.close
        # Read outside the thread that all requests share, because a slow store would block every page.
        self._read = sync_to_async(part.read, thread_sensitive=False)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while block := await self._read(BLOCK_SIZE):
                yield block
        finally:
            self.close()
