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
    """Failure to read a PDF. `pdf_errors.explain_unreadable_pdf` turns it into a message for users."""

    def __init__(self, kind: str, **limits: int) -> None:
        super().__init__(kind)
        self.kind = kind  # such as `locked` or `too_many_pages`
        self.limits = limits  # the limits that were passed to the reader, by name


@dataclass(frozen=True)
class PdfText:
    """Texts of the pages in order, without NUL and lone surrogates. A page without text is an empty string."""

    pages: list[str]

    @property
    def text(self) -> str:
        return "\n\n".join(page for page in self.pages if page.strip())


def read_pdf(
    data: bytes | BinaryIO, *, max_pages: int = 500, max_characters: int = 2_000_000, seconds: float = 10.0
) -> PdfText:
    """Return the text of a PDF, read from the file's current position. Block for up to `seconds`.

    Raise PdfUnreadableError.
    """
    content = data if isinstance(data, bytes) else data.read()
    arguments = [str(max_pages), str(max_characters)]
    return _read_pages(content, arguments, seconds, max_pages=max_pages, max_characters=max_characters)


def read_first_pages(data: bytes | BinaryIO, *, max_pages: int, seconds: float = 10.0) -> PdfText:
    """Return the first pages of a PDF, up to the first with text. Raise PdfUnreadableError.

    This is fast for a PDF of any length. The other pages are unpacked, as a check, for at most two seconds.
    """
    content = data if isinstance(data, bytes) else data.read()
    return _read_pages(content, ["front", str(max_pages), "0"], seconds, max_pages=max_pages)


def _read_pages(content: bytes, arguments: list[str], seconds: float, **limits: int) -> PdfText:
    if not content.startswith(b"%PDF-"):
        raise PdfUnreadableError("not_pdf")
    try:
        result: _ReaderResult = run_in_sandbox(_PDF_SANDBOX, content, arguments, seconds)
    except SandboxLimitError as error:
        raise PdfUnreadableError(error.kind) from error
    if "refused" in result:
        raise PdfUnreadableError(result["refused"], **limits)
    pages = result["pages"]
    if not pages:
        raise PdfUnreadableError("no_pages")
    if not any(page.strip() for page in pages):
        raise PdfUnreadableError("no_text")
    return PdfText(pages)
