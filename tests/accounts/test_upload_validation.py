from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account, ProcedureDocument
from accounts.procedures.upload_validation import MAX_BYTES, InvalidProceduresError
from accounts.procedures.uploads import upload_procedures
from tests.accounts.pdf_samples import BOMB, EMPTY, HTML, LOCKED, NO_PAGES, SCANNED, TRUNCATED, make_pdf

NOT_717 = (
    "This document may not be for Harbor State Line: its first three pages don’t mention the account number, 717. "
    "Check that it’s the right document."
)
TEXT_NOT_717 = NOT_717.replace("its first three pages don’t mention", "its beginning doesn’t mention")


def files_of(account: Account) -> list[str]:
    folder = Path(default_storage.path(f"procedures/{account.pk}"))
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("procedures.docx", b"x", "Upload a PDF, TXT, or MD file."),
        ("procedures", b"x", "Upload a PDF, TXT, or MD file."),
        ("procedures.md.exe", b"x", "Upload a PDF, TXT, or MD file."),
        ("procedures.txt", EMPTY, "This file is empty."),
        ("procedures.txt", b" \n\t\n", "This file contains no text."),
        ("procedures.pdf", EMPTY, "This file is empty."),
        ("p.pdf", HTML, "This file is named .pdf, but it isn’t a PDF. Save it as a PDF and upload it again."),
        ("p.txt", b"%PDF-1.7", "This file is a PDF. Rename it so that it ends in .pdf, and upload it again."),
        (
            "p.txt",
            b"717\n\xff\xfe",
            "Line 2 of this file isn’t UTF-8 text. Save the file as UTF-8 and upload it again.",
        ),
        ("p.md", b"717\nx\n\0", "Line 3 of this file isn’t UTF-8 text. Save the file as UTF-8 and upload it again."),
        ("p.txt", b"x" * (MAX_BYTES + 1), "This file is larger than 20 MB."),
        ("p.pdf", b"x" * 21 * 1024**2, "This file is larger than 20 MB."),
        ("p.pdf", LOCKED, "This PDF is password-protected. Save a copy without the password and upload that."),
        ("p.pdf", TRUNCATED, "This PDF is damaged and can’t be read. Save it again and upload the new copy."),
        ("p.pdf", NO_PAGES, "This PDF has no pages. Save it again and upload the new copy."),
        (
            "p.pdf",
            SCANNED,
            "This PDF contains no text. It may be a scan. Run text recognition (OCR) on it and upload it again.",
        ),
        (
            "p.pdf",
            BOMB,
            "When unpacked, this PDF is over 512 MB, or one part of it is over 25 MB. "
            "Export it again from the program it was created in, and upload the new copy.",
        ),
    ],
)
def test_rejected_document_has_reason_and_is_not_stored(account, supervisor, name, content, message):
    with pytest.raises(InvalidProceduresError) as caught:
        upload_procedures(account, SimpleUploadedFile(name, content), supervisor)

    assert str(caught.value) == message
    assert ProcedureDocument.objects.count() == 0
    assert files_of(account) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Procedures 2026.PDF", make_pdf("State Line 717")),
        ("a.txt", b"Line 717"),
        ("b.md", b"\xef\xbb\xbfLine 717"),
        ("n" * 240 + ".pdf", make_pdf("(7 1\n7)")),
        ("largest.txt", b"Line 717 " + b"x" * (MAX_BYTES - 9)),
    ],
)
def test_document_is_stored_unchanged_under_key_without_its_name(account, supervisor, name, content):
    document = upload_procedures(account, SimpleUploadedFile(name, content), supervisor)

    document.refresh_from_db()
    assert (document.status, document.size, document.warning) == ("processing", len(content), "")
    assert document.filename.endswith(name[-4:]) and len(document.filename) <= 200
    assert files_of(account) == [f"{document.pk}{Path(name).suffix.lower()}"]
    with document.file.open("rb") as file:
        assert file.read() == content


def test_text_for_other_account_is_accepted_with_warning(account, supervisor):
    document = upload_procedures(account, SimpleUploadedFile("p.txt", b"Line 718"), supervisor)

    assert document.warning == TEXT_NOT_717


def test_account_without_number_is_matched_by_name(account, supervisor):
    account.number = ""

    other = upload_procedures(account, SimpleUploadedFile("p.pdf", make_pdf("Ridge Line")), supervisor)
    own = upload_procedures(
        account, SimpleUploadedFile("p.pdf", make_pdf("harbor  STATE\nline: procedures")), supervisor
    )

    text = upload_procedures(account, SimpleUploadedFile("p.md", b"Ridge Line"), supervisor)

    assert "its first three pages don’t mention the account’s name" in other.warning
    assert "its beginning doesn’t mention the account’s name" in text.warning
    assert own.warning == ""


def test_failed_storage_leaves_no_row(account, supervisor, monkeypatch):
    def fail(*args) -> str:
        raise OSError("The storage is unavailable.")

    monkeypatch.setattr(default_storage, "save", fail)
    with pytest.raises(OSError, match="unavailable"):
        upload_procedures(account, SimpleUploadedFile("p.txt", b"717"), supervisor)

    assert ProcedureDocument.objects.count() == 0


def test_failed_save_leaves_no_file(account, supervisor, monkeypatch):
    def refuse(*args, **kwargs) -> None:
        raise ValueError("no")

    monkeypatch.setattr(ProcedureDocument, "save", refuse)
    with pytest.raises(ValueError, match="no"):
        upload_procedures(account, SimpleUploadedFile("p.txt", b"717"), supervisor)

    assert files_of(account) == []
