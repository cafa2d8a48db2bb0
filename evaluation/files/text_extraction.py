"""Text extraction from counselors' documentation and the guidelines for it: PDF, DOCX, or plain text."""

from pathlib import Path, PurePosixPath

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_text import PdfUnreadableError, read_pdf
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox
from accounts.services.database_connections import release_connection
from evaluation.files import docx_sandbox

MAX_BYTES = 10 * 1024**2
MAX_CHARACTERS = 30_000
FILE_EXTENSIONS = {".pdf", ".docx", ".txt", ".md"}
_TIMEOUT_SECONDS = 10.0
_DOCX_SANDBOX = Path(docx_sandbox.__file__)
_REJECTIONS = {
    "too_large": _("This file is too large once unpacked. Save it as a new file and upload it again."),
    "too_slow": _("This file took too long to read. Save it as a new file and upload it again."),
    "damaged": _("We can’t read this as a Word file. Save it as .docx and upload it again."),
    "no_text": _("This file contains no text."),
    "locked": _("This PDF is password-protected. Save it without a password and upload it again."),
    "scanned": _(
        "This PDF contains no text. If it is a scan, run text recognition (OCR) or type the text, then try again."
    ),
}


class DocumentRejectedError(Exception):
    """Rejection of an uploaded document. The message gives the reason and the remedy. The file is not kept."""


def extract_document_text(file: UploadedFile) -> str:
    """Return the text of an uploaded file, up to `MAX_CHARACTERS`. Raise DocumentRejectedError if it cannot be used."""
    size = sum(len(chunk) for chunk in file.chunks())
    file.seek(0)
    if size > MAX_BYTES:
        raise DocumentRejectedError(gettext("This file is larger than 10 MB."))
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in FILE_EXTENSIONS:
        raise DocumentRejectedError(gettext("Upload a PDF, DOCX, TXT, or MD file."))
    release_connection()  # a PDF may take seconds to read
    text = _extract_text(kind, file.read()).replace("\0", "").strip()
    if not text:
        raise DocumentRejectedError(str(_REJECTIONS["no_text"]))
    if len(text) > MAX_CHARACTERS:
        raise DocumentRejectedError(
            gettext("This document is longer than 30,000 characters. Upload only the part about this conversation.")
        )
    return text


def _extract_text(kind: str, content: bytes) -> str:
    if kind == ".pdf":
        return _extract_pdf(content)
    if kind == ".docx":
        return _extract_docx(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentRejectedError(
            gettext("This file is not UTF-8 text. Save it as UTF-8 and upload it again.")
        ) from error


def _extract_pdf(content: bytes) -> str:
    try:
        return read_pdf(content, max_characters=2 * MAX_CHARACTERS, seconds=_TIMEOUT_SECONDS).text
    except PdfUnreadableError as error:
        known = {"no_text": _REJECTIONS["scanned"], "locked": _REJECTIONS["locked"]}
        raise DocumentRejectedError(
            str(known.get(error.kind, explain_unreadable_pdf(error, can_paste=True)))
        ) from error


def _extract_docx(content: bytes) -> str:
    if not content.startswith(b"PK\x03\x04"):
        raise DocumentRejectedError(str(_REJECTIONS["damaged"]))
    try:
        result: dict[str, str] = run_in_sandbox(_DOCX_SANDBOX, content, [str(MAX_CHARACTERS)], _TIMEOUT_SECONDS)
    except SandboxLimitError as error:
        raise DocumentRejectedError(str(_REJECTIONS[error.kind])) from error
    if "refused" in result:
        raise DocumentRejectedError(str(_REJECTIONS[result["refused"]]))
    return result["text"]
