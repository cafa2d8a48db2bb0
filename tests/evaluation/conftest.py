import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.services.preparing import prepare_procedures
from accounts.services.uploading import upload_procedures
from tests.people import *  # noqa: F403
from tests.people import PROCEDURES_CANARY

PROCEDURES = f"""# Line 717

## 3010 Asking about suicide

When a caller speaks of hopelessness, ask directly: are you thinking about suicide? {PROCEDURES_CANARY}

## 2020 Listening

Reflect what you heard before you suggest anything.
"""


@pytest.fixture
def procedures(account, supervisor, standin):
    document = upload_procedures(account, SimpleUploadedFile("p.md", PROCEDURES.encode()), supervisor)
    prepare_procedures(document.pk)
    account.refresh_from_db()
    return account.procedures
