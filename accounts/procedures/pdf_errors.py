"""Messages about PDFs that cannot be read, for the people who uploaded them."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.procedures.pdf_sandbox import MAX_STREAM_BYTES, MEMORY_LIMIT
from accounts.procedures.pdf_text import PdfUnreadableError


class _Remedy(NamedTuple):
    """Advice for pages that take only files, and for pages where the text can be pasted instead."""

    upload: str | Promise
    paste: str | Promise


_SAVE_AGAIN = _Remedy(
    _("Save it again and upload the new copy."), _("Save it again and upload the new copy, or paste its text.")
)
_SHORTEN = _Remedy(
    _("Upload only the part that counselors follow."),
    _("Upload only the pages that matter, or paste their text."),
)
_REMEDIES = {
    "not_pdf": _Remedy(
        _("Save it as a PDF and upload it again."), _("Save it as a PDF and upload it again, or paste its text.")
    ),
    "locked": _Remedy(
        _("Save a copy without the password and upload that."),
        _("Save a copy without the password and upload that, or paste the text."),
    ),
    "damaged": _SAVE_AGAIN,
    "no_pages": _SAVE_AGAIN,
    "no_text": _Remedy(
        _("Run text recognition (OCR) on it and upload it again."),
        _("Run text recognition (OCR) on it and upload it again, or type in what matters."),
    ),
    "too_large": _Remedy(
        _("Export it again from the program it was created in, and upload the new copy."),
        _("Upload only the pages that matter, or paste their text."),
    ),
    "too_many_pages": _SHORTEN,
    "too_much_text": _SHORTEN,
    "too_slow": _SHORTEN,
}
_REASONS = {
    "not_pdf": _("This file is named .pdf, but it isn’t a PDF."),
    "locked": _("This PDF is password-protected."),
    "damaged": _("This PDF is damaged and can’t be read."),
    "no_pages": _("This PDF has no pages."),
    "no_text": _("This PDF contains no text. It may be a scan."),
    "too_large": _("When unpacked, this PDF is over %(whole)s MB, or one part of it is over %(part)s MB."),
    "too_many_pages": _("This PDF has more than %(max_pages)s pages."),
    "too_much_text": _("This PDF has more than %(max_characters)s characters."),
    "too_slow": _("This PDF took too long to read."),
}


def explain_unreadable_pdf(error: PdfUnreadableError, *, can_paste: bool = False) -> str:
    """Return the reason why a PDF cannot be read and the remedy for the person who uploaded it."""
    limits = {"part": MAX_STREAM_BYTES // 1_000_000, "whole": MEMORY_LIMIT // 1024**2} | error.limits
    reason = _REASONS[error.kind] % {name: f"{limit:,}" for name, limit in limits.items()}
    remedy = _REMEDIES[error.kind]
    return f"{reason} {remedy.paste if can_paste else remedy.upload}"
