from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, TextIO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

BLOCK = 256 * 1024  # bytes read at once
# A spreadsheet misreads accents without the mark at the beginning.
FOR_SPREADSHEETS = "utf-8-sig"


def download_of(write: Callable[[TextIO], None], encoding: str, headers: Mapping[str, str]) -> StreamingHttpResponse:
    """What is written as a file to download. It is on disk whole before it begins, so never cut off."""
    file = TemporaryFile()  # noqa: SIM115 (whoever reads it closes it)
    try:
        text = TextIOWrapper(file, encoding=encoding, newline="")
        write(text)
        text.detach()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingHttpResponse(_blocks(file), headers=headers)


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with closing(file):
        while block := await sync_to_async(file.read)(BLOCK):
            yield block
