"""Text of an uploaded PDF. A PDF may be malicious, so a child process with hard limits reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

from accounts.procedures import pdf_sandbox
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox

_PDF_SANDBOX = Path(pdf_sandbox.__file__)
_PART, _WHOLE = pdf_sandbox.MAX_STREAM_BYTES // 1_000_000, pdf_sandbox.MEMORY_LIMIT // 1024**2
_ERROR_MESSAGES = {
    "not_pdf": "This file is not a PDF. Save it as a PDF and upload it again, or paste its text.",
    "locked": "This PDF needs a password. Save it without one and upload it again, or paste its text.",
    "damaged": "This PDF is damaged and cannot be read. Save it anew and upload it again, or paste its text.",
    "no_pages": "This PDF has no pages. Save it anew and upload it again, or paste its text.",
    "no_text": "This PDF has no text: it seems to be scanned. Have its text recognised (OCR), or type what matters.",
    "too_large": f"This PDF unpacks to more than is read: {_PART} MB for one part of it, {_WHOLE} MB in all. "
    "Upload the pages that matter, or paste their text.",
    "too_many_pages": "This PDF has more than {most_pages:,} pages. Upload the pages that matter, or paste their text.",
    "too_much_text": "This PDF unpacks to more than {most_characters:,} characters. Upload the pages that matter, "
    "or paste their text.",
    "too_slow": "This PDF took too long to read. Upload the pages that matter, or paste their text.",
}


class _ReaderResult(TypedDict, total=False):
    """Output of the sandbox: either `pages` or `refused`."""

    pages: list[str]
    refused: str


class PdfUnreadableError(Exception):
    """Refusal of a PDF. The text gives the reason and the remedy; `kind` is for programs."""

    def __init__(self, kind: str, **numbers: int) -> None:
        super().__init__(_ERROR_MESSAGES[kind].format(**numbers))
        self.kind = kind


@dataclass(frozen=True)
class PdfText:
    """Page texts in order. Pages without text are empty. Free of NUL and lone surrogates."""

    pages: list[str]

    @property
    def text(self) -> str:
        return "\n\n".join(page for page in self.pages if page.strip())


def read_pdf(
    data: bytes | BinaryIO, *, most_pages: int = 500, most_characters: int = 2_000_000, seconds: float = 10.0
) -> PdfText:
    """Return the text of a PDF, read from the file's position. Block for about `seconds`. Raise PdfUnreadableError."""
    content = data if isinstance(data, bytes) else data.read()
    limits = [str(most_pages), str(most_characters)]
    return _read_pages(content, limits, seconds, [], most_pages=most_pages, most_characters=most_characters)


def read_first_pages(data: bytes | BinaryIO, *, most_pages: int, seconds: float = 10.0) -> PdfText:
    """Return the first pages of a PDF, up to the first with text, quickly at any length. Raise PdfUnreadableError.

    The rest is known to be readable only as far as it unpacks within two seconds.
    """
    content = data if isinstance(data, bytes) else data.read()
    return _read_pages(content, [str(most_pages), "0"], seconds, ["front"], most_pages=most_pages)


def _read_pages(content: bytes, limits: list[str], seconds: float, mode: list[str], **numbers: int) -> PdfText:
    if not content.startswith(b"%PDF-"):
        raise PdfUnreadableError("not_pdf")
    try:
        answer: _ReaderResult = run_in_sandbox(_PDF_SANDBOX, content, [*mode, *limits], seconds)
    except SandboxLimitError as ended:
        raise PdfUnreadableError(ended.kind) from ended
    if "refused" in answer:
        raise PdfUnreadableError(answer["refused"], **numbers)
    pages = answer["pages"]
    if not pages:
        raise PdfUnreadableError("no_pages")
    if not any(page.strip() for page in pages):
        raise PdfUnreadableError("no_text")
    return PdfText(pages)
