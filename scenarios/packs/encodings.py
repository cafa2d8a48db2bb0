"""Conversion of packs from the encodings and typographic quotation marks that spreadsheet programs write."""

import codecs
import re

_UTF16_MARKS, _UTF32_MARK = (b"\xff\xfe", b"\xfe\xff"), b"\xff\xfe\0\0"
_HEAD_BYTES, _PIECE_BYTES = 200, 64 * 1024
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SMART_JSON = re.compile(r"\A\ufeff?\s*+(?:\[\s*+)?\{\s*+[“”„]")
_SMART_CSV = re.compile(r"\ufeff?(?:sep=.\r?\n)?[“”„]")
# Byte sequences that are improbable in Windows-1252: a symbol right after a letter, or a capital inside a word. Many of
# them suggest Mac Roman or DOS: “CafŽ” or “Caf‚” for “Café”.
_MISREAD = re.compile(
    rb"[A-Za-z][\x80\x82\x84\x88\x89\x8b\xa1-\xa8\xac\xbf]|[a-z][\x8a\x8c\x8e\x9f\xc0-\xd6\xd8-\xde]"
    rb"|[aou]\x95[a-z]"  # “naïve” in Mac Roman; a bullet in Windows-1252 seldom stands there
)
# “schön” in DOS and “maître” in Mac Roman. In Windows-1252 these are closing quotation marks, which have opening ones.
_TIGHT_CLOSING, _OPENING = re.compile(rb"[A-Za-z]\x94[A-Za-z]"), b"\x93"
_QUOTE = b"\xe2\x80[\x9c\x9d\x9e]"  # “ ” „ in UTF-8
_SMART_QUOTE = re.compile(_QUOTE)
# Quotation marks at the edges of a cell. Those inside its text stay as they are.
_SMART_EDGE = re.compile(b"(?:(?<=[,;\t\r\n\xbf])|\\A)%b|%b(?=[,;\t\r\n]|\\Z)" % (_QUOTE, _QUOTE))


def convert_to_utf8(data: bytes) -> bytes:
    """Return a UTF-16 or Windows-1252 file as UTF-8, with straight quotation marks where they delimit values.

    A damaged UTF-8 file, or one in an older encoding, is not treated as Windows-1252, which would garble every accented
    letter in it. It is returned unchanged.
    """
    if data.startswith(_UTF16_MARKS) and not data.startswith(_UTF32_MARK):
        data = _transcode(data, "utf-16")
    elif b"\0" not in data[:4] and not (_is_utf8(data) or _is_damaged_utf8(data) or _is_misread(data)):
        data = _transcode(data, "cp1252")
    start = data[:_HEAD_BYTES].decode(errors="ignore")
    if _SMART_JSON.match(start):
        return _SMART_QUOTE.sub(b'"', data)
    return _SMART_EDGE.sub(b'"', data) if _SMART_CSV.match(start) else data


def _is_utf8(data: bytes) -> bool:
    """Return True if the file is valid UTF-8. Decode it in pieces, so that it is not in memory twice."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            decoder.decode(data[start : start + _PIECE_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_damaged_utf8(data: bytes) -> bool:
    """Return True if at least half of the bytes beyond ASCII belong to well-formed characters."""
    beyond_ascii = sum(1 for _ in _HIGH_BYTE.finditer(data))
    well_formed = sum(len(found[0]) for found in _MULTIBYTE.finditer(data))
    return 2 * well_formed >= beyond_ascii


def _is_misread(data: bytes) -> bool:
    """Return True if a third of the bytes beyond ASCII would be improbable in Windows-1252."""
    beyond_ascii = sum(1 for _ in _HIGH_BYTE.finditer(data))
    unopened = sum(1 for _ in _TIGHT_CLOSING.finditer(data)) - data.count(_OPENING)
    return 3 * (sum(1 for _ in _MISREAD.finditer(data)) + max(unopened, 0)) >= beyond_ascii


def _transcode(data: bytes, encoding: str) -> bytes:
    """Return the text in UTF-8, or, for the reader to reject, the file unchanged if it is not in this encoding."""
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return data
