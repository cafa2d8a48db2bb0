from collections.abc import AsyncIterator
from contextlib import closing
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone

from accounts.models import Organization
from scenarios.models import ScenarioQuerySet
from scenarios.packs.writing import write_csv, write_json
from scenarios.services.exports import export_rows

BLOCK = 256 * 1024  # bytes read at once
# A spreadsheet misreads accents without the mark at the beginning.
FORMATS = {"json": (write_json, "utf-8", "application/json"), "csv": (write_csv, "utf-8-sig", "text/csv")}


def pack_headers(kind: str) -> dict[str, str]:
    name = f"scenarios-{timezone.localdate():%Y-%m-%d}.{kind}"
    return {
        "Content-Type": f"{FORMATS[kind][2]}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }


def pack_of(organization: Organization, scenarios: ScenarioQuerySet, kind: str) -> StreamingHttpResponse:
    """Scenarios as a file to download, `json` or `csv`. It is on disk whole before it begins, so never cut off."""
    write, encoding, _ = FORMATS[kind]
    file = TemporaryFile()  # noqa: SIM115 (whoever reads it closes it)
    try:
        text = TextIOWrapper(file, encoding=encoding, newline="")
        write(export_rows(organization, scenarios), text)
        text.detach()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingHttpResponse(_blocks(file), headers=pack_headers(kind))


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with closing(file):
        while block := await sync_to_async(file.read)(BLOCK):
            yield block
