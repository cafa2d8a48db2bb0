"""Text extraction from counselors' documentation and the guidelines for it: PDF, DOCX, or plain text."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypedDict

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_text import PdfUnreadableError, read_pdf
from accounts.procedures.reading_limits import ReadingLimits
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox
from accounts.procedures.unread_parts import UnreadPart, list_unread_parts
from accounts.services.database_connections import release_connection
from evaluation.files import docx_sandbox

FILE_EXTENSIONS = {".pdf", ".docx", ".txt", ".md"}
_DOCX_SANDBOX = Path(docx_sandbox.__file__)
_REJECTIONS = {
    "too_large": _("This file is too large once unpacked. Save it as a new file and upload it again."),
    "too_slow": _("This file took too long to read. Save it as a new file and upload it again."),
    "damaged": _("We can’t read this as a Word file. Save it as .docx and upload it again."),
    "old_word": _(
        "This Word file is password-protected or in the old .doc format. Save it as .docx without a password and "
        "upload it again."
    ),
    "no_text": _("This file contains no text."),
    "locked": _("This PDF is password-protected. Save it without a password and upload it again."),
    "scanned": _(
        "This PDF contains no text. If it is a scan, run text recognition (OCR) or type the text, then try again."
    ),
}
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"  # old Word files, and .docx files with a password


class DocumentRejectedError(Exception):
    """Rejection of an uploaded document. The message gives the reason and the remedy. The file is not kept."""


@dataclass(frozen=True)
class ExtractedText:
    """The text of a document, and the visible parts that were not read."""

    text: str
    unread: list[UnreadPart]


class _DocxResult(TypedDict, total=False):
    """Output of the sandbox: either `text` with `unread`, or `refused`."""

    text: str
    unread: dict[str, int]
    refused: str


def extract_document_text(file: UploadedFile, limits: ReadingLimits) -> ExtractedText:
    """Return the text of an uploaded file. Raise DocumentRejectedError if it cannot be used."""
    size = sum(len(chunk) for chunk in file.chunks())
    file.seek(0)
    if size > limits.max_bytes:
        message = gettext("This file is larger than %(maximum)d MB.")
        raise DocumentRejectedError(message % {"maximum": limits.max_bytes // 1024**2})
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in FILE_EXTENSIONS:
        raise DocumentRejectedError(gettext("Upload a PDF, DOCX, TXT, or MD file."))
    release_connection()  # a PDF may take seconds to read
    extracted = _extract(kind, file.read(), limits)
    text = extracted.text.replace("\0", "").strip()
    if not text:
        raise DocumentRejectedError(str(_REJECTIONS["no_text"]))
    if len(text) > limits.max_characters:
        message = gettext("This document is longer than %(maximum)s characters. Upload only the part that matters.")
        raise DocumentRejectedError(message % {"maximum": f"{limits.max_characters:,}"})
    return ExtractedText(text, extracted.unread)


def _extract(kind: str, content: bytes, limits: ReadingLimits) -> ExtractedText:
    if kind == ".pdf":
        return _extract_pdf(content, limits)
    if kind == ".docx":
        return _extract_docx(content, limits)
    try:
        return ExtractedText(content.decode("utf-8-sig"), [])
    except UnicodeDecodeError as error:
        raise DocumentRejectedError(
            gettext("This file is not UTF-8 text. Save it as UTF-8 and upload it again.")
        ) from error


def _extract_pdf(content: bytes, limits: ReadingLimits) -> ExtractedText:
    try:
        pdf = read_pdf(content, limits)
    except PdfUnreadableError as error:
        known = {"no_text": _REJECTIONS["scanned"], "locked": _REJECTIONS["locked"]}
        raise DocumentRejectedError(
            str(known.get(error.kind, explain_unreadable_pdf(error, can_paste=True)))
        ) from error
    return ExtractedText(pdf.text, list_unread_parts(pdf.unread))


def _extract_docx(content: bytes, limits: ReadingLimits) -> ExtractedText:
    if content.startswith(_COMPOUND_FILE):
        raise DocumentRejectedError(str(_REJECTIONS["old_word"]))
    if not content.startswith(b"PK\x03\x04"):
        raise DocumentRejectedError(str(_REJECTIONS["damaged"]))
    try:
        result: _DocxResult = run_in_sandbox(_DOCX_SANDBOX, content, [str(limits.max_characters)], limits.cpu_seconds)
    except SandboxLimitError as error:
        raise DocumentRejectedError(str(_REJECTIONS[error.kind])) from error
    if "refused" in result:
        raise DocumentRejectedError(str(_REJECTIONS[result["refused"]]))
    unread = [UnreadPart(kind=kind, count=count, pages=[]) for kind, count in result["unread"].items()]
    return ExtractedText(result["text"], unread)
