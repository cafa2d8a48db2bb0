"""Text extraction from counselors' documentation and the guidelines for it: PDF, DOCX, or plain text."""

from pathlib import Path, PurePosixPath

from django.core.files.uploadedfile import UploadedFile

from accounts.procedures.pdf_text import PdfUnreadableError, read_pdf
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox
from evaluation.files import docx_sandbox

MAX_BYTES = 10 * 1024**2
MAX_CHARACTERS = 30_000
FILE_EXTENSIONS = {".pdf", ".docx", ".txt", ".md"}
_TIMEOUT_SECONDS = 10.0
_DOCX_SANDBOX = Path(docx_sandbox.__file__)
_REJECTIONS = {
    "too_large": "This file unpacks to far more than its size: it is not read. Save it anew and upload it again.",
    "too_slow": "This file took too long to read. Save it anew and upload it again.",
    "damaged": "This is not a Word file that can be read. Save it as .docx and upload it again.",
    "no_text": "This file has no text.",
    "locked": "This PDF needs a password. Save it without one and upload it again.",
    "scanned": "This PDF has no text: it seems to be scanned. Type what it says, or have its text recognised (OCR).",
}


class DocumentRejectedError(Exception):
    """Rejection of an uploaded document. The message gives the reason and the remedy; nothing of the file is kept."""


def extract_document_text(file: UploadedFile) -> str:
    """Return the text of an uploaded file, up to `MAX_CHARACTERS`. Raise DocumentRejectedError if it cannot be used."""
    size = sum(len(chunk) for chunk in file.chunks())
    file.seek(0)
    if size > MAX_BYTES:
        raise DocumentRejectedError(f"This file has {size:,} bytes; at most {MAX_BYTES:,} (10 MB) are taken.")
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in FILE_EXTENSIONS:
        raise DocumentRejectedError(f"A {kind or 'file without an ending'} is not taken here: PDF, DOCX, TXT or MD.")
    text = _extract_text(kind, file.read()).replace("\0", "").strip()
    if not text:
        raise DocumentRejectedError(_REJECTIONS["no_text"])
    if len(text) > MAX_CHARACTERS:
        raise DocumentRejectedError(
            f"This is more than {MAX_CHARACTERS:,} characters. Upload what is about this conversation."
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
        raise DocumentRejectedError("This file is not UTF-8 text. Save it as UTF-8 and upload it again.") from error


def _extract_pdf(content: bytes) -> str:
    try:
        return read_pdf(content, most_characters=2 * MAX_CHARACTERS, seconds=_TIMEOUT_SECONDS).text
    except PdfUnreadableError as error:
        known = {"no_text": _REJECTIONS["scanned"], "locked": _REJECTIONS["locked"]}
        raise DocumentRejectedError(known.get(error.kind, str(error))) from error


def _extract_docx(content: bytes) -> str:
    if not content.startswith(b"PK\x03\x04"):
        raise DocumentRejectedError(_REJECTIONS["damaged"])
    try:
        said: dict[str, str] = run_in_sandbox(_DOCX_SANDBOX, content, [str(MAX_CHARACTERS)], _TIMEOUT_SECONDS)
    except SandboxLimitError as ended:
        raise DocumentRejectedError(_REJECTIONS[ended.kind]) from ended
    if "refused" in said:
        raise DocumentRejectedError(_REJECTIONS[said["refused"]])
    return said["text"]
