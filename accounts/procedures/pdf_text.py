"""Text of an uploaded PDF. A PDF may be malicious, so a child process with hard limits reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

from accounts.procedures import pdf_sandbox
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox

_PDF_SANDBOX = Path(pdf_sandbox.__file__)


class _ReaderResult(TypedDict, total=False):
    """Output of the sandbox: either `pages` or `refused`."""

    pages: list[str]
    refused: str


class PdfUnreadableError(Exception):
    """Refusal of a PDF. `pdf_errors.explain_unreadable_pdf` turns it into a message for people."""

    def __init__(self, kind: str, **limits: int) -> None:
        super().__init__(kind)
        self.kind = kind  # such as `locked` or `too_many_pages`
        self.limits = limits  # the limits that were passed to the reader, by name


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
    """Return the text of a PDF, read from the file's position. Block for up to `seconds`. Raise PdfUnreadableError."""
    content = data if isinstance(data, bytes) else data.read()
    arguments = [str(most_pages), str(most_characters)]
    return _read_pages(content, arguments, seconds, most_pages=most_pages, most_characters=most_characters)


def read_first_pages(data: bytes | BinaryIO, *, most_pages: int, seconds: float = 10.0) -> PdfText:
    """Return the first pages of a PDF, up to the first with text. Raise PdfUnreadableError.

    This is fast for a PDF of any length. The other pages are checked only as far as they unpack within two seconds.
    """
    content = data if isinstance(data, bytes) else data.read()
    return _read_pages(content, ["front", str(most_pages), "0"], seconds, most_pages=most_pages)


def _read_pages(content: bytes, arguments: list[str], seconds: float, **limits: int) -> PdfText:
    if not content.startswith(b"%PDF-"):
        raise PdfUnreadableError("not_pdf")
    try:
        answer: _ReaderResult = run_in_sandbox(_PDF_SANDBOX, content, arguments, seconds)
    except SandboxLimitError as ended:
        raise PdfUnreadableError(ended.kind) from ended
    if "refused" in answer:
        raise PdfUnreadableError(answer["refused"], **limits)
    pages = answer["pages"]
    if not pages:
        raise PdfUnreadableError("no_pages")
    if not any(page.strip() for page in pages):
        raise PdfUnreadableError("no_text")
    return PdfText(pages)
