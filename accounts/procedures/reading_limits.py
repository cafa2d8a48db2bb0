"""Limits on uploaded documents, by kind of document."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingLimits:
    """Limits on one kind of document. Only PDFs have pages."""

    max_bytes: int
    max_pages: int
    max_characters: int
    cpu_seconds: int  # for reading a PDF or DOCX file


# The grader searches procedures and never reads them whole, so they may be as long as books. 1,000 pages take 28 s.
PROCEDURES = ReadingLimits(max_bytes=20 * 1024**2, max_pages=2000, max_characters=20_000_000, cpu_seconds=70)
# A counselor's notes on one conversation, read with the transcript in one request.
DOCUMENTATION = ReadingLimits(max_bytes=10 * 1024**2, max_pages=100, max_characters=30_000, cpu_seconds=10)
# An organization's rules. Real ones have 45 pages and 96,000 characters; 300,000 characters fit into one request.
GUIDELINES = ReadingLimits(max_bytes=20 * 1024**2, max_pages=300, max_characters=300_000, cpu_seconds=20)
# A person can shorten this much of a complaint by hand, but not a book.
COMPLAINT = ReadingLimits(max_bytes=10 * 1024**2, max_pages=300, max_characters=100_000, cpu_seconds=15)
