"""Django middleware that releases the database connection before a response is sent."""

from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from accounts.services.database_connections import release_connection

# Sending less than this never waits for the client: the server buffers it.
BUFFERED_BYTES = 64 * 1024  # bytes


@sync_and_async_middleware
def connection_release_middleware(get_response: Any) -> Any:
    """Release the connection before the client reads a long response, which may take any amount of time.

    This must be the outermost middleware, because the others may need the database. Django itself releases the
    connection only after the last byte has been sent.
    """
    if iscoroutinefunction(get_response):

        async def release_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            if _is_long(response):
                await sync_to_async(release_connection)()
            return response

        return release_async

    def release(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        if _is_long(response):
            release_connection()
        return response

    return release


def _is_long(response: HttpResponseBase) -> bool:
    return response.streaming or len(response.content) >= BUFFERED_BYTES  # type: ignore[attr-defined]
