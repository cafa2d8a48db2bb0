"""Text of an uploaded PDF. A PDF may be malicious, so a child process with hard limits reads it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, TypedDict

from accounts.procedures import pdf_sandbox
from accounts.procedures.pdf_sandbox import HEADER, HEADER_WITHIN
from accounts.procedures.reading_limits import ReadingLimits
from accounts.procedures.sandbox import SandboxLimitError, run_in_sandbox

_PDF_SANDBOX = Path(pdf_sandbox.__file__)
_FRONT_CPU_SECONDS = 10  # for the first pages, while a person waits for the upload


class _ReaderResult(TypedDict, total=False):
    """Output of the sandbox: either `pages` with `unread`, or `refused`."""

    pages: list[str]
    unread: "UnreadParts"
    refused: str


class UnreadParts(TypedDict):
    """Parts of a PDF that a person may see but that were not read."""

    pictures: list[int]  # pages with large pictures, from 1
    order: list[int]  # pages whose text may be out of order, from 1
    hidden: list[int]  # pages with text that a person does not see, from 1
    garbled: list[int]  # pages whose letters are not known for certain, from 1
    attachments: int  # number of attached files
    fields: int  # number of form fields that are broken
    comments: int  # number of comments on the text
    stamps: int  # number of stamps and signatures
    xfa: int  # 1 if a form can be read only in the program that made it


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
    unread: UnreadParts

    @property
    def text(self) -> str:
        return "\n\n".join(page for page in self.pages if page.strip())


def read_pdf(data: bytes | BinaryIO, limits: ReadingLimits) -> PdfText:
    """Return the text of a PDF, read from the file's current position. Raise PdfUnreadableError."""
    arguments = [str(limits.max_pages), str(limits.max_characters)]
    return _read_pages(data, arguments, limits)


def read_first_pages(data: bytes | BinaryIO, limits: ReadingLimits) -> PdfText:
    """Return the first pages of a PDF, up to the third with text. Raise PdfUnreadableError.

    This is fast for a PDF of any length. The other pages are unpacked, as a check, for at most two CPU seconds.
    """
    quick = replace(limits, cpu_seconds=min(limits.cpu_seconds, _FRONT_CPU_SECONDS))
    return _read_pages(data, ["front", str(limits.max_pages), "0"], quick)


def is_pdf(content: bytes) -> bool:
    """Return True if the file begins with a PDF header. Like other readers, allow up to 1,024 bytes before it."""
    return HEADER in content[: HEADER_WITHIN + len(HEADER)]


def _read_pages(data: bytes | BinaryIO, arguments: list[str], limits: ReadingLimits) -> PdfText:
    content = data if isinstance(data, bytes) else data.read()
    if not is_pdf(content):
        raise PdfUnreadableError("not_pdf")
    try:
        result: _ReaderResult = run_in_sandbox(_PDF_SANDBOX, content, arguments, limits.cpu_seconds)
    except SandboxLimitError as error:
        raise PdfUnreadableError(error.kind) from error
    if "refused" in result:
        reached = {"max_pages": limits.max_pages, "max_characters": limits.max_characters}
        raise PdfUnreadableError(result["refused"], **reached)
    pages = result["pages"]
    if not pages:
        raise PdfUnreadableError("no_pages")
    if not any(page.strip() for page in pages):
        raise PdfUnreadableError("no_text")
    return PdfText(pages, result["unread"])
