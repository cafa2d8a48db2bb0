"""Accounts of the demo, with procedure documents in different states once a worker has read them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Account, Organization, ProcedureDocument, User
from accounts.procedures.uploads import upload_procedures

FOLDER: Path = settings.BASE_DIR / "fixtures" / "demo"
MAIN_ACCOUNT = "Harbor State Line"


@dataclass(frozen=True)
class DemoAccount:
    """An account and its document in `FOLDER`."""

    name: str
    number: str
    source: str  # name in FOLDER
    filename: str  # name of the upload
    days_ago: int  # when it was uploaded
    warning: str | None = None  # the known result of `check_procedures`, which is slow for a PDF


DEMO_ACCOUNTS = [
    DemoAccount(MAIN_ACCOUNT, "717", "procedures.md", "harbor-717-procedures.md", 60),
    # Does not mention its number, so a supervisor must confirm it.
    DemoAccount("Lakeshore Youth Line", "824", "lakeshore-youth-guide.md", "lakeshore-youth-guide.md", 1),
    # Has a scanned page and an attached file, which cannot be read.
    DemoAccount("Prairie County Line", "505", "prairie-505-guidelines.pdf", "prairie-505-guidelines.pdf", 20, ""),
    # Has no numbered sections.
    DemoAccount("Ridgeview Health Plan", "310", "ridgeview-310-welcome.txt", "ridgeview-310-welcome.txt", 3),
]


def add_accounts(organization: Organization, by: User) -> dict[str, Account]:
    """Create the accounts and upload their documents, which queues their preparation. Return the accounts by name."""
    return {row.name: _add_account(row, organization, by) for row in DEMO_ACCOUNTS}


def _add_account(row: DemoAccount, organization: Organization, by: User) -> Account:
    account = Account.objects.create(organization=organization, name=row.name, number=row.number)
    file = SimpleUploadedFile(row.filename, (FOLDER / row.source).read_bytes())
    document = upload_procedures(account, file, by, row.warning)
    uploaded_at = timezone.now() - timedelta(days=row.days_ago)
    ProcedureDocument.objects.filter(pk=document.pk).update(uploaded_at=uploaded_at)
    return account
