"""Streamed file downloads."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, TextIO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

BLOCK_BYTES = 256 * 1024  # bytes per read
# Without the byte order mark, spreadsheet programs misread accented letters.
SPREADSHEET_ENCODING = "utf-8-sig"


def stream_download(
    write: Callable[[TextIO], None], encoding: str, headers: Mapping[str, str]
) -> StreamingHttpResponse:
    """Return a download of the text that `write` produces. It is first written to disk, so it is never cut off."""
    file = TemporaryFile()  # noqa: SIM115 (_read_blocks closes it)
    try:
        text = TextIOWrapper(file, encoding=encoding, newline="")
        write(text)
        text.detach()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingHttpResponse(_read_blocks(file), headers=headers)


async def _read_blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with closing(file):
        while block := await sync_to_async(file.read)(BLOCK_BYTES):
            yield block
