"""The door: what is taken as a procedure document. Whatever is refused here leaves no trace."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import IO

from django.core.files.uploadedfile import UploadedFile

from accounts.models import Account
from accounts.pdf_text import PdfUnreadable, read_front

LARGEST = 20 * 1024**2  # bytes
MOST_PAGES = 2000
KINDS = {".pdf", ".txt", ".md"}
_BEGINNING = 4000  # bytes of a plain text that stand for its first page
_PIECE = 1024**2
_UNREADABLE = {
    "locked": "This PDF needs a password. Save it without one and upload it again.",
    "damaged": "This PDF is damaged and cannot be read. Save it anew and upload it again.",
    "no_pages": "This PDF has no pages. Save it anew and upload it again.",
    "no_text": "This PDF has no text: it seems to be scanned. Have its text recognised (OCR) and upload it again.",
    "too_large": "This PDF unpacks to far more than its size: it is not read. Save it anew from the program that "
    "it was written in, and upload it again.",
    "too_many_pages": f"This PDF has more than {MOST_PAGES:,} pages. Upload the part that counselors follow.",
    "too_much_text": "This PDF has more text than is read. Upload the part that counselors follow.",
    "too_slow": "This PDF took too long to read. Save it anew and upload it again.",
}


class ProceduresRefused(Exception):
    """The document is refused at the door; the text says why and what to do. Nothing of it is kept."""


def unreadable(error: PdfUnreadable) -> str:
    """Why a PDF is not read, and what its owner can do."""
    return _UNREADABLE.get(error.kind, str(error))


def check_procedures(account: Account, file: UploadedFile) -> str:
    """Look at a document before anything is kept. Return a warning or nothing. Raises ProceduresRefused."""
    _check_size(file)
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in KINDS:
        raise ProceduresRefused(f"A {kind or 'file without an ending'} is not taken here: PDF, TXT or MD.")
    begin = file.read(5)
    file.seek(0)
    if kind == ".pdf":
        if begin != b"%PDF-":
            raise ProceduresRefused("This file is named .pdf but is not a PDF. Save it as a PDF and upload it again.")
        _check_pdf(account, file)
        return ""
    return _check_text(account, file, begin)


def _check_size(file: UploadedFile) -> None:
    """Counted, not believed: what a client says of its file may be wrong."""
    size = 0
    for chunk in file.chunks(_PIECE):
        size += len(chunk)
        if size > LARGEST:
            said = max(file.size or 0, size)
            raise ProceduresRefused(f"This file has {said:,} bytes; at most {LARGEST:,} (20 MB) are taken.")
    file.seek(0)
    if not size:
        raise ProceduresRefused("This file is empty.")


def _check_pdf(account: Account, file: UploadedFile) -> None:
    try:
        front = read_front(file.read(), most_pages=MOST_PAGES)
    except PdfUnreadable as error:
        raise ProceduresRefused(unreadable(error)) from error
    finally:
        file.seek(0)
    if not is_of(account, front.pages[0]):
        raise ProceduresRefused(_mismatch(account, front.pages[0], "on its first page"))


def _check_text(account: Account, file: UploadedFile, begin: bytes) -> str:
    if begin == b"%PDF-":
        raise ProceduresRefused("This is a PDF under another name. Give it the ending .pdf and upload it again.")
    line = _first_bad_line(file)
    file.seek(0)
    if line:
        raise ProceduresRefused(f"Line {line:,} of this file is not UTF-8 text. Save it as UTF-8 and upload it again.")
    beginning = file.read(_BEGINNING).decode("utf-8-sig", "ignore")
    file.seek(0)
    if not beginning.strip() and not any(chunk.strip() for chunk in file.chunks(_PIECE)):
        raise ProceduresRefused("This file has no text.")
    file.seek(0)
    return "" if is_of(account, beginning) else _mismatch(account, beginning, "in its beginning")


def _first_bad_line(file: IO[bytes] | UploadedFile) -> int:
    """The first line that is no UTF-8 text, from 1; 0 when all are."""
    for number, line in enumerate(file, 1):
        try:
            if "\0" in line.decode():
                return number
        except UnicodeDecodeError:
            return number
    return 0


def is_of(account: Account, text: str) -> bool:
    """Whether a text names the account: its number, or its name where it has none.

    White space may stand between the digits, as PDFs have it; other digits beside them make it another number.
    """
    text = unicodedata.normalize("NFKC", text)
    if account.number.strip():
        number = "".join(account.number.split())
        spaced = r"\s*".join(re.escape(letter) for letter in number)
        # Where the digits stand apart, a digit further off belongs to them as well.
        apart = rf"(?<!\d)(?<!\d\s){spaced}(?!\s*\d)"
        # A PDF may lose the space between a word and a number, so letters beside digits do not count.
        before, after = (r"\d" if end.isdigit() else r"[^\W_]" for end in (number[0], number[-1]))
        beside = rf"(?<!{before})(?<!\d[-.,/])(?:{re.escape(number)}|{apart})(?!{after})(?![-.,/]\d)"
        return re.search(beside, text, re.IGNORECASE) is not None
    name = r"\s+".join(re.escape(word) for word in unicodedata.normalize("NFKC", account.name).split())
    return re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) is not None


def _mismatch(account: Account, text: str, where: str) -> str:
    if account.number.strip():
        sought = f"the number {account.number}"
        advice = "whether this is the account's own document, and whether the number is written there"
    else:
        sought = f"the name “{account.name}” (the account has no number)"
        advice = "whether this is the account's own document, and whether the name is written there"
    nothing = " It has no text at all." if not text.strip() else ""
    missing = f"This document does not seem to be for {account.name}: {sought} is not {where}."
    return f"{missing}{nothing} Check {advice}."
