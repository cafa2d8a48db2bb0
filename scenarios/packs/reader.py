"""Reader of scenario packs that yields rows with their problems and positions."""

import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from scenarios.messages import Message, gettext_noop
from scenarios.packs.columns import UnknownColumns
from scenarios.packs.csv_reader import read_csv_rows
from scenarios.packs.encodings import convert_to_utf8
from scenarios.packs.json_reader import read_json_rows
from scenarios.packs.rows import PackRow, PackValue, RowProblem, TooManyRowsError, UnreadablePackError

__all__ = [
    "UnknownColumns",
    "UnreadablePackError",
    "PackRow",
    "PackValue",
    "RowProblem",
    "TooManyRowsError",
    "read_pack",
    "reject_oversized_file",
]

_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_SPACE = re.compile(rb"\s*+")


def read_pack(
    file: BinaryIO,
    filename: str = "",
    *,
    unknown_columns: UnknownColumns | None = None,
    max_bytes: int = 20 * 1024**2,
    max_rows: int = 20_000,
) -> Iterator[PackRow]:
    """Yield the rows of a JSON or CSV pack from the file's current position. Rows are read lazily.

    Raise UnreadablePackError, possibly after some rows, if the file cannot be read in full. The file's bytes are kept
    in memory; its rows are not. `unknown_columns` collects the ignored columns.
    """
    data = convert_to_utf8(_read_bytes(file, max_bytes))
    start = len(_BOM) if data.startswith(_BOM) else 0
    _reject_non_text(data, start)
    read = read_json_rows if _is_json(data, start, filename) else read_csv_rows
    for row in read(data, start, unknown_columns or UnknownColumns()):
        if row.number > max_rows:
            reason = gettext_noop("The file has more than %(most)s rows. Split it into several files.")
            raise TooManyRowsError(Message(reason, {"most": f"{max_rows:,}"}), row.line)
        yield row


def reject_oversized_file(file: BinaryIO, max_bytes: int) -> None:
    """Raise UnreadablePackError without reading the file, if its size is known and too large."""
    if file.seekable():
        start = file.tell()
        file.seek(0, io.SEEK_END)
        _check_size(file.tell() - start, max_bytes)
        file.seek(start)


def _read_bytes(file: BinaryIO, max_bytes: int) -> bytes:
    """Return the file's bytes. Refuse an oversized file before reading it or, for a pipe, at the limit."""
    reject_oversized_file(file, max_bytes)
    buffer = io.BytesIO()
    while chunk := file.read(_CHUNK):
        buffer.write(chunk)
        _check_size(buffer.tell(), max_bytes)
    return buffer.getvalue()


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        reason = gettext_noop("The file is larger than %(most)s MB. Split it into several files.")
        raise UnreadablePackError(Message(reason, {"most": f"{max_bytes / 1024**2:,.3g}"}))


def _reject_non_text(data: bytes, start: int) -> None:
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        reason = gettext_noop("This is a spreadsheet or a zip file. In your spreadsheet, save it as “CSV UTF-8”.")
        raise UnreadablePackError(Message(reason))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in (data[:1], data[1:2]):
        reason = gettext_noop("The file is UTF-16. Save it as UTF-8 (in a spreadsheet, choose “CSV UTF-8”).")
        raise UnreadablePackError(Message(reason), 1, 1)
    if _SPACE.fullmatch(data, start):
        raise UnreadablePackError(Message(gettext_noop("The file is empty.")))


def _is_json(data: bytes, start: int, filename: str) -> bool:
    suffix = filename.lower().rpartition(".")[2]
    if suffix in {"json", "csv"}:
        return suffix == "json"
    space = _SPACE.match(data, start)
    return bool(space and data[space.end() : space.end() + 1] in (b"{", b"["))
