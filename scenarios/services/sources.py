"""The complaint from which a scenario is drafted, as it is typed or uploaded."""

from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from accounts.pdf_text import PdfUnreadable, read_pdf
from scenarios.services.contexts import UNSTORABLE

KINDS = {".txt", ".md", ".pdf"}
SHORTEST, LONGEST = 50, 15_000  # characters
LARGEST_FILE = 10 * 1024**2  # bytes
MOST_READ = 100_000  # characters of a file: a person shortens what is too long, but not a book


def storable(text: str) -> str:
    """Trimmed, with one character at each line's end, and without what a database cannot hold."""
    return UNSTORABLE.sub("", text.replace("\r\n", "\n")).strip()


def check_source(text: str) -> str:
    """The complaint as it is used. Raises ValidationError."""
    text = storable(text)
    if len(text) < SHORTEST:
        raise ValidationError(f"This text has {len(text)} characters; a draft needs at least {SHORTEST}.")
    if len(text) > LONGEST:
        raise ValidationError(
            f"This text has {len(text):,} characters; at most {LONGEST:,} are taken. Leave out what does not matter."
        )
    return text


def read_source_file(file: UploadedFile) -> str:
    """The text of an uploaded complaint: .txt, .md or .pdf; its length is not checked. Raises ValidationError."""
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in KINDS:
        raise ValidationError(
            f"A {kind or 'file without an ending'} is not taken here: PDF, TXT or MD, or paste the text."
        )
    if (file.size or 0) > LARGEST_FILE:
        raise ValidationError(f"This file has {file.size:,} bytes; at most {LARGEST_FILE:,} (10 MB) are taken.")
    file.seek(0)
    content = file.read()
    text = _read_pdf(content) if kind == ".pdf" else _read_text(content)
    if len(text) > MOST_READ:
        raise ValidationError(f"This file has {len(text):,} characters; at most {LONGEST:,} are taken.")
    return text


def _read_pdf(content: bytes) -> str:
    try:
        return read_pdf(content, most_characters=MOST_READ).text
    except PdfUnreadable as error:
        raise ValidationError(str(error)) from error


def _read_text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            f"Line {line} of this file is not UTF-8 text. Save it as UTF-8 or paste its text."
        ) from error
