"""Sample PDF files for uploads of procedure documents, valid and broken."""

from tests.accounts.test_pdf_text import FLATE, TEXT, deflated, encrypted, megabytes_of_spaces, pages_pdf, pdf_of

__all__ = ["BOMB", "EMPTY", "HTML", "LOCKED", "NO_PAGES", "SCANNED", "TRUNCATED", "make_pdf"]


def make_pdf(*pages: str) -> bytes:
    """Return a PDF with one page for each text, its lines set in 12 pt Helvetica."""
    contents = []
    for page in pages:
        lines = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in page.split("\n")]
        operators = " 0 -16 Td ".join(f"({line}) Tj" for line in lines)
        contents.append(f"BT /F1 12 Tf 72 700 Td {operators} ET".encode("latin-1"))
    return pages_pdf(*contents)


LOCKED = encrypted(user="secret", owner="secret")
TRUNCATED = TEXT[: len(TEXT) // 2]
EMPTY = b""
HTML = b"<!doctype html><title>Sign in</title>"
SCANNED = pages_pdf(b"0 0 612 792 re f")
NO_PAGES = pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>")
BOMB = pages_pdf(deflated(b"BT /F1 12 Tf (Line 717) Tj ET", 1), megabytes_of_spaces(400), entries=FLATE)
