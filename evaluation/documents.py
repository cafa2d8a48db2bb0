"""The text of a counselor's own documentation, or of the guidelines for it: PDF, DOCX or plain text."""

from pathlib import Path, PurePosixPath

from django.core.files.uploadedfile import UploadedFile

from accounts.child import ChildEnded, ask_child
from accounts.pdf_text import PdfUnreadable, read_pdf
from evaluation import docx_child

LARGEST = 10 * 1024**2  # bytes
MOST_CHARACTERS = 30_000
KINDS = {".pdf", ".docx", ".txt", ".md"}
_SECONDS = 10.0
_DOCX = Path(docx_child.__file__)
_REFUSED = {
    "too_large": "This file unpacks to far more than its size: it is not read. Save it anew and upload it again.",
    "too_slow": "This file took too long to read. Save it anew and upload it again.",
    "damaged": "This is not a Word file that can be read. Save it as .docx and upload it again.",
    "no_text": "This file has no text.",
    "locked": "This PDF needs a password. Save it without one and upload it again.",
    "scanned": "This PDF has no text: it seems to be scanned. Type what it says, or have its text recognised (OCR).",
}


class DocumentRefused(Exception):
    """The text says why and what to do. Nothing of the file is kept."""


def read_documentation(file: UploadedFile) -> str:
    """Its text, up to 30,000 characters. Raises DocumentRefused."""
    size = sum(len(chunk) for chunk in file.chunks())
    file.seek(0)
    if size > LARGEST:
        raise DocumentRefused(f"This file has {size:,} bytes; at most {LARGEST:,} (10 MB) are taken.")
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in KINDS:
        raise DocumentRefused(f"A {kind or 'file without an ending'} is not taken here: PDF, DOCX, TXT or MD.")
    text = _text_of(kind, file.read()).replace("\0", "").strip()
    if not text:
        raise DocumentRefused(_REFUSED["no_text"])
    if len(text) > MOST_CHARACTERS:
        raise DocumentRefused(
            f"This is more than {MOST_CHARACTERS:,} characters. Upload what is about this conversation."
        )
    return text


def _text_of(kind: str, content: bytes) -> str:
    if kind == ".pdf":
        return _pdf(content)
    if kind == ".docx":
        return _docx(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentRefused("This file is not UTF-8 text. Save it as UTF-8 and upload it again.") from error


def _pdf(content: bytes) -> str:
    try:
        return read_pdf(content, most_characters=2 * MOST_CHARACTERS, seconds=_SECONDS).text
    except PdfUnreadable as error:
        known = {"no_text": _REFUSED["scanned"], "locked": _REFUSED["locked"]}
        raise DocumentRefused(known.get(error.kind, str(error))) from error


def _docx(content: bytes) -> str:
    if not content.startswith(b"PK\x03\x04"):
        raise DocumentRefused(_REFUSED["damaged"])
    try:
        said: dict[str, str] = ask_child(_DOCX, content, [str(MOST_CHARACTERS)], _SECONDS)
    except ChildEnded as ended:
        raise DocumentRefused(_REFUSED[ended.kind]) from ended
    if "refused" in said:
        raise DocumentRefused(_REFUSED[said["refused"]])
    return said["text"]
