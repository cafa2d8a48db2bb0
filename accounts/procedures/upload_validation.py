"""Validation of uploaded procedure documents. A rejected document is not stored."""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import IO

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_text import PdfUnreadableError, read_first_pages
from accounts.services.database_connections import release_connection

MAX_BYTES = 20 * 1024**2  # bytes of a file
MAX_PAGES = 2000  # pages of a PDF
ALLOWED_SUFFIXES = {".pdf", ".txt", ".md"}
_OPENING_BYTES = 4000  # bytes of plain text that count as its first page
_CHUNK_BYTES = 1024**2  # bytes per read


class InvalidProceduresError(Exception):
    """Rejection of an uploaded document, which is not stored. The text gives the reason and the remedy."""


def check_procedures(account: Account, file: UploadedFile) -> str:
    """Check a document before it is stored. Return a warning or an empty string. Raise InvalidProceduresError."""
    release_connection()  # a PDF may take seconds to read
    _check_size(file)
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in ALLOWED_SUFFIXES:
        raise InvalidProceduresError(_("Upload a PDF, TXT, or MD file."))
    first_bytes = file.read(5)
    file.seek(0)
    if kind == ".pdf":
        if first_bytes != b"%PDF-":
            raise InvalidProceduresError(explain_unreadable_pdf(PdfUnreadableError("not_pdf")))
        _check_pdf(account, file)
        return ""
    return _check_text(account, file, first_bytes)


def _check_size(file: UploadedFile) -> None:
    """Raise InvalidProceduresError if the file is empty or too large. The size that a client reports may be wrong."""
    size = 0
    for chunk in file.chunks(_CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_BYTES:
            message = _("This file is larger than %(maximum)d MB.") % {"maximum": MAX_BYTES // 1024**2}
            raise InvalidProceduresError(message)
    file.seek(0)
    if not size:
        raise InvalidProceduresError(_("This file is empty."))


def _check_pdf(account: Account, file: UploadedFile) -> None:
    try:
        front = read_first_pages(file.read(), max_pages=MAX_PAGES)
    except PdfUnreadableError as error:
        raise InvalidProceduresError(explain_unreadable_pdf(error)) from error
    finally:
        file.seek(0)
    if not mentions_account(account, front.pages[0]):
        raise InvalidProceduresError(_explain_mismatch(account, front.pages[0]))


def _check_text(account: Account, file: UploadedFile, first_bytes: bytes) -> str:
    if first_bytes == b"%PDF-":
        raise InvalidProceduresError(_("This file is a PDF. Rename it so that it ends in .pdf, and upload it again."))
    line = _find_invalid_line(file)
    file.seek(0)
    if line:
        message = _("Line %(line)s of this file isn’t UTF-8 text. Save the file as UTF-8 and upload it again.")
        raise InvalidProceduresError(message % {"line": f"{line:,}"})
    beginning = file.read(_OPENING_BYTES).decode("utf-8-sig", "ignore")
    file.seek(0)
    if not beginning.strip() and not any(chunk.strip() for chunk in file.chunks(_CHUNK_BYTES)):
        raise InvalidProceduresError(_("This file contains no text."))
    file.seek(0)
    return "" if mentions_account(account, beginning) else _explain_mismatch(account, beginning)


def _find_invalid_line(file: IO[bytes] | UploadedFile) -> int:
    """Return the number of the first line that is not UTF-8 text, starting at 1, or 0 if every line is UTF-8."""
    for number, line in enumerate(file, 1):
        try:
            if "\0" in line.decode():
                return number
        except UnicodeDecodeError:
            return number
    return 0


def mentions_account(account: Account, text: str) -> bool:
    """Return True if the text contains the account's number, or its name if it has no number.

    Whitespace may separate the digits, as in PDFs. If other digits are next to them, the number is a different one.
    """
    text = unicodedata.normalize("NFKC", text)
    if account.number.strip():
        number = "".join(account.number.split())
        spaced_digits = r"\s*".join(re.escape(letter) for letter in number)
        # If whitespace separates the digits, the next digit after whitespace is part of the same number.
        spaced_number = rf"(?<!\d)(?<!\d\s){spaced_digits}(?!\s*\d)"
        # A PDF may lose the space between a word and a number, so letters may adjoin the digits.
        before, after = (r"\d" if end.isdigit() else r"[^\W_]" for end in (number[0], number[-1]))
        pattern = rf"(?<!{before})(?<!\d[-.,/])(?:{re.escape(number)}|{spaced_number})(?!{after})(?![-.,/]\d)"
        return re.search(pattern, text, re.IGNORECASE) is not None
    name = r"\s+".join(re.escape(word) for word in unicodedata.normalize("NFKC", account.name).split())
    return re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) is not None


def _explain_mismatch(account: Account, opening: str) -> str:
    """Return the reason why a document may belong to another account. `opening` is the text that was searched."""
    names = {"account": account.name, "number": account.number}
    if not opening.strip():
        return _("The beginning of this document contains no text, so it can’t be matched to %(account)s.") % names
    if account.number.strip():
        message = _(
            "This document may not be for %(account)s: its beginning doesn’t mention the account number, %(number)s. "
            "Check that it’s the right document and that it contains the number."
        )
    else:
        message = _(
            "This document may not be for %(account)s: its beginning doesn’t mention the account’s name. "
            "Check that it’s the right document and that it contains the name."
        )
    return message % names
