import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from scenarios.services.draft_sources import MAX_SOURCE_FILE_BYTES, clean_draft_source, read_draft_source_file
from tests.accounts.test_pdf_text import pages_pdf

TEXT = "I was put on hold for eleven minutes, and then nobody was there."
PAGE = b"BT /F1 12 Tf 72 700 Td (I was put on hold for eleven minutes, and nobody was there.) Tj ET"


def read(name: str, content: bytes) -> str:
    return read_draft_source_file(SimpleUploadedFile(name, content)).text


@pytest.mark.parametrize("length", [50, 15_000])
def test_source_within_limits_is_accepted(length):
    assert clean_draft_source("x" * length) == "x" * length


def test_source_is_trimmed_and_unstorable_characters_are_removed():
    assert clean_draft_source(f" \r\n{TEXT}\r\n\0\ud800{TEXT}\n ") == f"{TEXT}\n{TEXT}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 49, "This text has 49 characters. Enter at least 50."),
        (" " * 100, "This text has 0 characters. Enter at least 50."),
        (
            "x" * 15_001,
            "This text has 15,001 characters. The limit is 15,000. Leave out what doesn’t matter.",
        ),
    ],
)
def test_source_outside_limits_is_rejected_with_its_length(text, message):
    with pytest.raises(ValidationError) as error:
        clean_draft_source(text)

    assert error.value.messages == [message]


@pytest.mark.parametrize(
    ("name", "content"),
    [("c.txt", TEXT.encode()), ("C.TXT", b"\xef\xbb\xbf" + TEXT.encode()), ("notes.md", TEXT.encode())],
)
def test_text_file_is_read_with_or_without_byte_order_mark(name, content):
    assert read(name, content) == TEXT


def test_pdf_is_read():
    assert read("complaint.PDF", pages_pdf(PAGE)) == "I was put on hold for eleven minutes, and nobody was there."


def test_file_over_draft_limit_is_still_read():
    assert len(read("c.txt", b"x" * 15_001)) == 15_001


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.docx", b"PK\x03\x04", "Upload a .pdf, .txt, or .md file, or paste the text."),
        ("complaint", b"x" * 60, "Upload a .pdf, .txt, or .md file, or paste the text."),
        (
            "c.pdf",
            b"just text",
            "This file is named .pdf, but it isn’t a PDF. Save it as a PDF and upload it again, or paste its text.",
        ),
        (
            "c.txt",
            TEXT.encode() + b"\n\xff\xfe",
            "Line 2 of this file is not UTF-8 text. Save the file as UTF-8, or paste its text.",
        ),
        ("c.txt", b"x" * 100_001, "This file has 100,001 characters. The limit is 15,000."),
        (
            "c.txt",
            b"x" * (MAX_SOURCE_FILE_BYTES + 1),
            "This file is larger than 10 MB. Upload a smaller one, or paste the text.",
        ),
    ],
)
def test_unreadable_file_is_rejected_with_advice(name, content, message):
    with pytest.raises(ValidationError) as error:
        read(name, content)

    assert error.value.messages == [message]


def test_scanned_pdf_is_rejected_with_advice():
    with pytest.raises(ValidationError) as error:
        read("scan.pdf", pages_pdf(b""))

    assert error.value.messages == [
        "This PDF contains no text. It may be a scan. "
        "Run text recognition (OCR) on it and upload it again, or type in what matters."
    ]
