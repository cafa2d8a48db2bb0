"""Validation of uploaded procedure documents. A rejected document is not stored."""

from pathlib import PurePosixPath
from typing import IO

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.procedures.account_numbers import AccountMatch, match_account, mentions_name
from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_sandbox import HEADER, HEADER_WITHIN
from accounts.procedures.pdf_text import PdfUnreadableError, read_first_pages
from accounts.procedures.reading_limits import PROCEDURES
from accounts.services.database_connections import release_connection

MAX_BYTES = PROCEDURES.max_bytes
ALLOWED_SUFFIXES = {".pdf", ".txt", ".md"}
_OPENING_BYTES = 12_000  # bytes of plain text that count as its first pages
_CHUNK_BYTES = 1024**2  # bytes per read


class InvalidProceduresError(Exception):
    """Rejection of an uploaded document, which is not stored. The text gives the reason and the remedy."""


def check_procedures(account: Account, file: UploadedFile) -> str:
    """Check a document before it is stored. Return a warning that a person must confirm, or an empty string.

    Raise InvalidProceduresError.
    """
    release_connection()  # a PDF may take seconds to read
    _check_size(file)
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in ALLOWED_SUFFIXES:
        raise InvalidProceduresError(_("Upload a PDF, TXT, or MD file."))
    pages = _read_first_pages(file) if kind == ".pdf" else [_read_beginning(file)]
    match, other = _match_account(account, pages)
    if match is AccountMatch.OTHER:
        raise InvalidProceduresError(_explain_other_account(account, other))
    return "" if match is AccountMatch.FOUND else _explain_mismatch(account, "".join(pages), has_pages=kind == ".pdf")


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


def _read_first_pages(file: UploadedFile) -> list[str]:
    try:
        return read_first_pages(file.read(), PROCEDURES).pages
    except PdfUnreadableError as error:
        raise InvalidProceduresError(explain_unreadable_pdf(error)) from error
    finally:
        file.seek(0)


def _read_beginning(file: UploadedFile) -> str:
    """Return the beginning of a text file. Raise InvalidProceduresError if any part of it is not text."""
    first_bytes = file.read(HEADER_WITHIN)
    file.seek(0)
    if first_bytes.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(HEADER):
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
    return beginning


def _find_invalid_line(file: IO[bytes] | UploadedFile) -> int:
    """Return the number of the first line that is not UTF-8 text, starting at 1, or 0 if every line is UTF-8."""
    for number, line in enumerate(file, 1):
        try:
            if "\0" in line.decode():
                return number
        except UnicodeDecodeError:
            return number
    return 0


def _match_account(account: Account, pages: list[str]) -> tuple[AccountMatch, str]:
    """Look for the account's number on the first pages, or for its name if it has no number."""
    others = Account.objects.filter(organization_id=account.organization_id).exclude(pk=account.pk).exclude(number="")
    other_numbers = set(others.values_list("number", flat=True)) - {account.number}
    match, other = match_account(pages, account.number, other_numbers)
    if match is AccountMatch.MISSING and not account.number.strip() and mentions_name("\n".join(pages), account.name):
        return AccountMatch.FOUND, ""
    return match, other


def _explain_other_account(account: Account, other: str) -> str:
    message = _(
        "This document is for account number %(other)s, not for %(account)s. Upload the document for %(account)s, or "
        "upload this one to the account it belongs to."
    )
    return message % {"other": other, "account": account.name}


def _explain_mismatch(account: Account, opening: str, has_pages: bool) -> str:
    """Return the reason why a document may belong to another account. `opening` is the text that was searched."""
    names = {"account": account.name, "number": account.number}
    if not opening.strip():
        return _("The beginning of this document contains no text, so it can’t be matched to %(account)s.") % names
    if account.number.strip() and has_pages:
        message = _(
            "This document may not be for %(account)s: its first three pages don’t mention the account number, "
            "%(number)s. Check that it’s the right document."
        )
    elif account.number.strip():
        message = _(
            "This document may not be for %(account)s: its beginning doesn’t mention the account number, %(number)s. "
            "Check that it’s the right document."
        )
    elif has_pages:
        message = _(
            "This document may not be for %(account)s: its first three pages don’t mention the account’s name. "
            "Check that it’s the right document."
        )
    else:
        message = _(
            "This document may not be for %(account)s: its beginning doesn’t mention the account’s name. "
            "Check that it’s the right document."
        )
    return message % names
