from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from accounts.http import SignedInRequest
from recordings.audio import Audio, Stored
from recordings.models import Recording
from recordings.objects import Readable, StoreAway
from recordings.ranges import Span, Unsatisfiable, parse_range

BLOCK = 256 * 1024  # bytes read at once
AWAY = "The store of the recordings does not answer just now. Nothing is lost; please try again in a minute."


@login_required
@require_safe
def audio(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The recording for the page's player: single ranges, so that one can seek without loading it whole."""
    recording = get_object_or_404(Recording.objects.for_user(request.user).exclude(file=""), pk=pk)
    try:
        return wav_response(request, Stored(recording))
    except StoreAway:
        return HttpResponse(AWAY, status=503, content_type="text/plain", headers={"Retry-After": "30"})


def wav_response(request: HttpRequest | Request, audio: Audio) -> HttpResponseBase:
    """The part that is asked for, a block at a time. Raises Http404 or StoreAway."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": audio.tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    # Ranges are for GET, and only of the file that the reader already knows.
    has_range = request.method == "GET" and request.headers.get("If-Range", audio.tag) == audio.tag
    try:
        asked = parse_range(request.headers.get("Range", ""), audio.size) if has_range else None
    except Unsatisfiable:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{audio.size}"})
    span = asked or Span(0, audio.size - 1)
    headers["Content-Length"] = str(span.length)
    if asked:
        headers["Content-Range"] = f"bytes {span.first}-{span.last}/{audio.size}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type="audio/wav", headers=headers)
    try:
        body = Blocks(audio.open(span))
    except FileNotFoundError:
        raise Http404 from None
    return StreamingHttpResponse(body, status=status, content_type="audio/wav", headers=headers)


class Blocks:
    """Sent one by one. Django closes it with the response, also when nobody read any."""

    def __init__(self, part: Readable) -> None:
        self.close = part.close
        # Not on the thread that all requests share: one slow store must not hold up every page.
        self._read = sync_to_async(part.read, thread_sensitive=False)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while block := await self._read(BLOCK):
                yield block
        finally:
            self.close()
