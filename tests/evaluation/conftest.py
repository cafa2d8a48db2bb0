import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from evaluation.models import Evaluation
from tests.evaluation.graded_chats import LEADING_NEGATIVE, graded_chat
from tests.evaluation.injection_attacks import SPOKEN_ATTACKS
from tests.support.fixtures import *  # noqa: F403
from tests.support.fixtures import PROCEDURES_CANARY

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


@pytest.fixture
def red_line_evaluation(chat, standin) -> Evaluation:
    return graded_chat(chat, f"Hello, my name is Sam. What happened? {LEADING_NEGATIVE}")


@pytest.fixture
def held_evaluation(chat, standin) -> Evaluation:
    return graded_chat(chat, f"Hello, my name is Sam. What happened? {SPOKEN_ATTACKS[0]}")
