"""The complaint that a scenario is drafted from, typed or uploaded."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from accounts.procedures.pdf_errors import explain_unreadable_pdf
from accounts.procedures.pdf_text import PdfUnreadableError, read_pdf
from accounts.procedures.reading_limits import COMPLAINT
from accounts.procedures.unread_parts import UnreadPart, list_unread_parts
from accounts.services.database_connections import release_connection
from accounts.web.visible_text import strip_blank
from scenarios.services.evaluator_contexts import UNSTORABLE

SOURCE_FILE_SUFFIXES = {".txt", ".md", ".pdf"}
MIN_SOURCE_LENGTH, MAX_SOURCE_LENGTH = 50, 15_000  # characters
MAX_SOURCE_FILE_BYTES = COMPLAINT.max_bytes
MAX_READ_LENGTH = COMPLAINT.max_characters  # of a file


@dataclass(frozen=True)
class SourceFile:
    """The text of an uploaded complaint, and the parts of the file that were not read."""

    text: str
    unread: list[UnreadPart] = field(default_factory=list)


def strip_unstorable(text: str) -> str:
    """Return the text trimmed, with LF line endings, and without characters that a database cannot store."""
    return strip_blank(UNSTORABLE.sub("", text.replace("\r\n", "\n")))


def clean_draft_source(text: str) -> str:
    """Return the complaint cleaned for drafting. Raise ValidationError if it is too short or too long."""
    text = strip_unstorable(text)
    if len(text) < MIN_SOURCE_LENGTH:
        raise ValidationError(
            _("This text has %(count)s characters. Enter at least %(least)s."),
            params={"count": len(text), "least": MIN_SOURCE_LENGTH},
        )
    if len(text) > MAX_SOURCE_LENGTH:
        raise ValidationError(
            _("This text has %(count)s characters. The limit is %(most)s. Leave out what doesn’t matter."),
            params={"count": f"{len(text):,}", "most": f"{MAX_SOURCE_LENGTH:,}"},
        )
    return text


def read_draft_source_file(file: UploadedFile) -> SourceFile:
    """Read an uploaded .txt, .md, or .pdf complaint without checking its text against the draft limits.

    Raise ValidationError if the file cannot be read or is larger than MAX_SOURCE_FILE_BYTES or MAX_READ_LENGTH.
    """
    kind = PurePosixPath(file.name or "").suffix.lower()
    if kind not in SOURCE_FILE_SUFFIXES:
        raise ValidationError(_("Upload a .pdf, .txt, or .md file, or paste the text."))
    if (file.size or 0) > MAX_SOURCE_FILE_BYTES:
        raise ValidationError(
            _("This file is larger than %(most)s MB. Upload a smaller one, or paste the text."),
            params={"most": MAX_SOURCE_FILE_BYTES // 1024**2},
        )
    file.seek(0)
    content = file.read()
    release_connection()  # a PDF may take seconds to read
    source = _read_pdf(content) if kind == ".pdf" else SourceFile(_read_text(content))
    if len(source.text) > MAX_READ_LENGTH:
        raise ValidationError(
            _("This file has %(count)s characters. The limit is %(most)s."),
            params={"count": f"{len(source.text):,}", "most": f"{MAX_SOURCE_LENGTH:,}"},
        )
    return source


def _read_pdf(content: bytes) -> SourceFile:
    try:
        pdf = read_pdf(content, COMPLAINT)
    except PdfUnreadableError as error:
        raise ValidationError(explain_unreadable_pdf(error, can_paste=True)) from error
    return SourceFile(pdf.text, list_unread_parts(pdf.unread))


def _read_text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            _("Line %(line)s of this file is not UTF-8 text. Save the file as UTF-8, or paste its text."),
            params={"line": line},
        ) from error
