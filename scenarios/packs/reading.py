"""Reads a scenario pack: rows one after another, and what is wrong with them and where."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from scenarios.packs.columns import Notes
from scenarios.packs.csv_rows import csv_rows
from scenarios.packs.json_rows import json_rows
from scenarios.packs.rows import PackRefused, PackRow, PackValue, Problem, TooManyRows

__all__ = ["Notes", "PackRefused", "PackRow", "PackValue", "Problem", "TooManyRows", "read_pack", "refuse_too_large"]

_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_SPACE = re.compile(rb"\s*+")


def read_pack(
    file: BinaryIO,
    filename: str = "",
    *,
    notes: Notes | None = None,
    most_bytes: int = 20 * 1024**2,
    most_rows: int = 20_000,
) -> Iterator[PackRow]:
    """The rows of a JSON or CSV pack, from where the file stands; they are read as they are asked for.

    Raises PackRefused, perhaps after some rows, for a file that cannot be read whole. The file's bytes are held, its
    rows are not. `notes` is told which columns were ignored.
    """
    data = _held(file, most_bytes)
    start = len(_BOM) if data.startswith(_BOM) else 0
    _refuse_what_is_no_text(data, start)
    read = json_rows if _is_json(data, start, filename) else csv_rows
    for row in read(data, start, notes or Notes()):
        if row.number > most_rows:
            raise TooManyRows(f"The file has more than {most_rows:,} rows. Split it.", row.line)
        yield row


def refuse_too_large(file: BinaryIO, most_bytes: int) -> None:
    """Raise PackRefused before a byte is read, where the file can tell its size."""
    if file.seekable():
        here = file.tell()
        file.seek(0, io.SEEK_END)
        _check_size(file.tell() - here, most_bytes)
        file.seek(here)


def _held(file: BinaryIO, most_bytes: int) -> bytes:
    """The file's bytes; one that is too large is refused before it is held, or, from a pipe, as soon as it is."""
    refuse_too_large(file, most_bytes)
    held = io.BytesIO()
    while chunk := file.read(_CHUNK):
        held.write(chunk)
        _check_size(held.tell(), most_bytes)
    return held.getvalue()


def _check_size(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise PackRefused(f"The file is larger than {most_bytes / 1024**2:,.3g} MB. Split it.")


def _refuse_what_is_no_text(data: bytes, start: int) -> None:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise PackRefused("This is a spreadsheet or a zip file. In the spreadsheet save it as “CSV UTF-8”.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in (data[:1], data[1:2]):
        raise PackRefused("The file is UTF-16. Save it again as UTF-8 (in a spreadsheet: “CSV UTF-8”).", 1, 1)
    if _SPACE.fullmatch(data, start):
        raise PackRefused("The file is empty.")


def _is_json(data: bytes, start: int, filename: str) -> bool:
    ending = filename.lower().rpartition(".")[2]
    if ending in {"json", "csv"}:
        return ending == "json"
    space = _SPACE.match(data, start)
    return bool(space and data[space.end() : space.end() + 1] in (b"{", b"["))
