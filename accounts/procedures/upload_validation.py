"""Validation of uploaded procedure documents. A rejected document leaves no trace."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import IO

from django.core.files.uploadedfile import UploadedFile

from accounts.models import Account
from accounts.procedures.pdf_text import PdfUnreadableError, read_first_pages

MAX_BYTES = 20 * 1024**2  # bytes of a file
MAX_PAGES = 2000  # pages of a PDF
ALLOWED_SUFFIXES = {".pdf", ".txt", ".md"}
_OPENING_BYTES = 4000  # bytes of plain text that count as its first page
_CHUNK_BYTES = 1024**2  # bytes per read
_PDF_ERROR_MESSAGES = {
    "locked": "This PDF needs a password. Save it without one and upload it again.",
    "damaged": "This PDF is damaged and cannot be read. Save it anew and upload it again.",
    "no_pages": "This PDF has no pages. Save it anew and upload it again.",
    "no_text": "This PDF has no text: it seems to be scanned. Have its text recognised (OCR) and upload it again.",
    "too_large": "This PDF unpacks to far more than its size: it is not read. Save it anew from the program that "
    "it was written in, and upload it again.",
    "too_many_pages": f"This PDF has more than {MAX_PAGES:,} pages. Upload the part that counselors follow.",
    "too_much_text": "This PDF has more text than is read. Upload the part that counselors follow.",
    "too_slow": "This PDF took too long to read. Save it anew and upload it again.",
}


class InvalidProceduresError(Exception):
    """Rejection of an uploaded document, which is not stored. The text gives the reason and the remedy."""


def explain_unreadable_pdf(error: PdfUnreadableError) -> str:
    """Return the reason why a PDF cannot be read and the remedy for its owner."""
    return _PDF_ERROR_MESSAGES.get(error.kind, str(error))


def check_procedures(account: Account, file: UploadedFile) -> str:
    """Check a document before it is stored. Return a warning or an empty string. Raise InvalidProceduresError."""
    _check_size(file)
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in ALLOWED_SUFFIXES:
        raise InvalidProceduresError(f"A {kind or 'file without an ending'} is not taken here: PDF, TXT or MD.")
    begin = file.read(5)
    file.seek(0)
    if kind == ".pdf":
        if begin != b"%PDF-":
            raise InvalidProceduresError(
                "This file is named .pdf but is not a PDF. Save it as a PDF and upload it again."
            )
        _check_pdf(account, file)
        return ""
    return _check_text(account, file, begin)


def _check_size(file: UploadedFile) -> None:
    """Raise InvalidProceduresError by counted size, because the size that a client reports may be wrong."""
    size = 0
    for chunk in file.chunks(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_BYTES:
            said = max(file.size or 0, size)
            raise InvalidProceduresError(f"This file has {said:,} bytes; at most {MAX_BYTES:,} (20 MB) are taken.")
    file.seek(0)
    if not size:
        raise InvalidProceduresError("This file is empty.")


def _check_pdf(account: Account, file: UploadedFile) -> None:
    try:
        front = read_first_pages(file.read(), most_pages=MAX_PAGES)
    except PdfUnreadableError as error:
        raise InvalidProceduresError(explain_unreadable_pdf(error)) from error
    finally:
        file.seek(0)
    if not mentions_account(account, front.pages[0]):
        raise InvalidProceduresError(_explain_mismatch(account, front.pages[0], "on its first page"))


def _check_text(account: Account, file: UploadedFile, begin: bytes) -> str:
    if begin == b"%PDF-":
        raise InvalidProceduresError("This is a PDF under another name. Give it the ending .pdf and upload it again.")
    line = _find_invalid_line(file)
    file.seek(0)
    if line:
        raise InvalidProceduresError(
            f"Line {line:,} of this file is not UTF-8 text. Save it as UTF-8 and upload it again."
        )
    beginning = file.read(_OPENING_BYTES).decode("utf-8-sig", "ignore")
    file.seek(0)
    if not beginning.strip() and not any(chunk.strip() for chunk in file.chunks(_CHUNK_BYTES)):
        raise InvalidProceduresError("This file has no text.")
    file.seek(0)
    return "" if mentions_account(account, beginning) else _explain_mismatch(account, beginning, "in its beginning")


def _find_invalid_line(file: IO[bytes] | UploadedFile) -> int:
    """Return the number of the first line that is not UTF-8 text, from 1, or 0 if all are."""
    for number, line in enumerate(file, 1):
        try:
            if "\0" in line.decode():
                return number
        except UnicodeDecodeError:
            return number
    return 0


def mentions_account(account: Account, text: str) -> bool:
    """Return whether a text names the account: by its number, or by its name if it has no number.

    White space may separate the digits, as in PDFs. Other digits next to them make a different number.
    """
    text = unicodedata.normalize("NFKC", text)
    if account.number.strip():
        number = "".join(account.number.split())
        spaced = r"\s*".join(re.escape(letter) for letter in number)
        # If white space separates the digits, a digit after more white space belongs to the number too.
        apart = rf"(?<!\d)(?<!\d\s){spaced}(?!\s*\d)"
        # A PDF may lose the space between a word and a number, so letters may adjoin the digits.
        before, after = (r"\d" if end.isdigit() else r"[^\W_]" for end in (number[0], number[-1]))
        beside = rf"(?<!{before})(?<!\d[-.,/])(?:{re.escape(number)}|{apart})(?!{after})(?![-.,/]\d)"
        return re.search(beside, text, re.IGNORECASE) is not None
    name = r"\s+".join(re.escape(word) for word in unicodedata.normalize("NFKC", account.name).split())
    return re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) is not None


def _explain_mismatch(account: Account, text: str, where: str) -> str:
    if account.number.strip():
        sought = f"the number {account.number}"
        advice = "whether this is the account's own document, and whether the number is written there"
    else:
        sought = f"the name “{account.name}” (the account has no number)"
        advice = "whether this is the account's own document, and whether the name is written there"
    nothing = " It has no text at all." if not text.strip() else ""
    missing = f"This document does not seem to be for {account.name}: {sought} is not {where}."
    return f"{missing}{nothing} Check {advice}."
