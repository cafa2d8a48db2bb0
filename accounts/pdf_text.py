"""The text of an uploaded PDF. A PDF may be made to do harm, so a child process with hard limits reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

from accounts import pdf_child
from accounts.child import ChildEnded, ask_child

_CHILD = Path(pdf_child.__file__)
_PART, _WHOLE = pdf_child.LARGEST_PART // 1_000_000, pdf_child.MEMORY // 1024**2
_REFUSALS = {
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


class _Answer(TypedDict, total=False):
    """Either of them."""

    pages: list[str]
    refused: str


class PdfUnreadable(Exception):
    """The PDF is refused; the text says why and what to do."""

    def __init__(self, kind: str, **numbers: int) -> None:
        super().__init__(_REFUSALS[kind].format(**numbers))
        self.kind = kind


@dataclass(frozen=True)
class PdfText:
    """What the pages say, in order; pages without text are empty. Never NUL, never half a character."""

    pages: list[str]

    @property
    def text(self) -> str:
        return "\n\n".join(page for page in self.pages if page.strip())


def read_pdf(
    data: bytes | BinaryIO, *, most_pages: int = 500, most_characters: int = 2_000_000, seconds: float = 10.0
) -> PdfText:
    """The text of a PDF, from where the file stands. Raises PdfUnreadable. Blocks for at most about `seconds`."""
    content = data if isinstance(data, bytes) else data.read()
    limits = [str(most_pages), str(most_characters)]
    return _pages_of(content, limits, seconds, [], most_pages=most_pages, most_characters=most_characters)


def read_front(data: bytes | BinaryIO, *, most_pages: int, seconds: float = 10.0) -> PdfText:
    """The first pages of a PDF up to one with text, which takes moments however long it is. Raises PdfUnreadable.

    Whether the rest can be read is known for what unpacks within two seconds.
    """
    content = data if isinstance(data, bytes) else data.read()
    return _pages_of(content, [str(most_pages), "0"], seconds, ["front"], most_pages=most_pages)


def _pages_of(content: bytes, limits: list[str], seconds: float, mode: list[str], **numbers: int) -> PdfText:
    if not content.startswith(b"%PDF-"):
        raise PdfUnreadable("not_pdf")
    try:
        answer: _Answer = ask_child(_CHILD, content, [*mode, *limits], seconds)
    except ChildEnded as ended:
        raise PdfUnreadable(ended.kind) from ended
    if "refused" in answer:
        raise PdfUnreadable(answer["refused"], **numbers)
    pages = answer["pages"]
    if not pages:
        raise PdfUnreadable("no_pages")
    if not any(page.strip() for page in pages):
        raise PdfUnreadable("no_text")
    return PdfText(pages)
