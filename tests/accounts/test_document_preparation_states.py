"""State machine for replacing a procedure document while OpenAI and workers fail.

Once a document is ready, exactly one document is current at all times.
"""

import contextlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from openai import NotFoundError, OpenAI

from accounts.models import Account, ProcedureDocument
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.openai_vector_store import VectorStoreClient, document_filter
from accounts.procedures.reconciliation import reconcile_procedures
from accounts.procedures.uploads import retry_procedures, upload_procedures
from accounts.services.leases import RetryLaterError
from tests.standins.openai.standin_process import StandinProcess
from tests.support.leases import expire_leases
from tests.support.prove_run import IS_PROVE_RUN

SOON = {"retry_after": 0.01}
FAULTS = {
    "nothing": [],
    "the store lags": [("POST /v1/vector_stores/", {"lag": 0.1})],
    "the store lags forever": [("POST /v1/vector_stores/", {"lag": 600})],
    "indexing fails": [("POST /v1/vector_stores/", {"failed": True})],
    "the store is expired": [("GET /v1/vector_stores/", {"expired": True})],
    "the upload fails": [("POST /v1/files", {"status": 500} | SOON)] * 3,
    "the upload is refused": [("POST /v1/files", {"status": 400})],
    "the search finds nothing": [
        ("POST /v1/vector_stores/", {"delay": 0.001}),
        ("POST /v1/vector_stores/", {"nothing": True}),
    ],
    "nothing can be deleted": [("DELETE /v1/", {"status": 500} | SOON)] * 6,
    "the store is gone": [("GET /v1/vector_stores/", {"status": 404})],
}
# About half of the draws are fault-free: the interesting case is a failure between two successes.
SAMPLED_FAULTS = ["nothing"] * len(FAULTS) + sorted(FAULTS)
EXAMPLES, STEPS_EACH = (150, 25) if IS_PROVE_RUN else (10, 15)
STEPS = ["ensure_store", "upload", "attach", "wait_until_searchable", "remove_file", "remove_store"]


class InterruptedStep(BaseException):
    """Simulated crash of a worker partway through a task."""


class ProcedureReplacementMachine(RuleBasedStateMachine):
    standin: StandinProcess
    create_account: object  # returns a new account and its supervisor

    @initialize()
    def begin(self) -> None:
        self.account, self.supervisor = type(self).create_account()
        self.openai = OpenAI(api_key="sk-tests", base_url=self.standin.base_url, max_retries=0)
        self.uploads = 0
        self.is_intact = True  # False once something was deleted at OpenAI

    def documents(self, **filters) -> list[ProcedureDocument]:
        return list(ProcedureDocument.objects.filter(account=self.account, **filters).order_by("uploaded_at"))

    @rule()
    def upload(self) -> None:
        self.uploads += 1
        text = f"Line 717\n{1000 + self.uploads} Rule\nDocument number word{self.uploads} says hello."
        upload_procedures(self.account, SimpleUploadedFile("m.md", text.encode()), self.supervisor)

    @precondition(lambda self: self.documents(status="processing"))
    @rule(data=st.data(), fault=st.sampled_from(SAMPLED_FAULTS), interrupted_step=st.sampled_from([None] * 8 + STEPS))
    def prepare(self, data, fault, interrupted_step) -> None:
        document = data.draw(st.sampled_from(self.documents(status="processing")))
        for match, kind in FAULTS[fault]:
            self.standin.add_fault(match, kind)
        original = getattr(VectorStoreClient, interrupted_step) if interrupted_step else None

        def interrupt_after_step(*args):
            original(*args)
            raise InterruptedStep

        if interrupted_step:
            setattr(VectorStoreClient, interrupted_step, interrupt_after_step)
        try:
            with contextlib.suppress(RetryLaterError, InterruptedStep):
                prepare_procedures(document.pk)
        finally:
            if interrupted_step:
                setattr(VectorStoreClient, interrupted_step, original)
            self.standin.clear_faults()

    @rule()
    def expire_claims(self) -> None:
        expire_leases(ProcedureDocument.objects.filter(account=self.account))

    @precondition(lambda self: self.documents(status="failed"))
    @rule(data=st.data())
    def retry(self, data) -> None:
        retry_procedures(data.draw(st.sampled_from(self.documents(status="failed"))), self.supervisor)

    @precondition(lambda self: Account.objects.get(pk=self.account.pk).vector_store_id)
    @rule()
    def delete_store(self) -> None:
        with contextlib.suppress(NotFoundError):
            self.openai.vector_stores.delete(Account.objects.get(pk=self.account.pk).vector_store_id)
        self.is_intact = False

    @rule()
    def reconcile(self) -> None:
        reconcile_procedures()

    @invariant()
    def newest_ready_document_is_current(self) -> None:
        if not hasattr(self, "account"):
            return
        current = Account.objects.select_related("procedures").get(pk=self.account.pk).procedures
        ready = self.documents(status="ready")
        if ready:
            assert current is not None
            assert (current.uploaded_at, current.pk) >= (ready[-1].uploaded_at, ready[-1].pk)

    @invariant()
    def search_finds_only_current_document(self) -> None:
        if not hasattr(self, "account"):
            return
        account = Account.objects.select_related("procedures").get(pk=self.account.pk)
        if account.procedures is None:
            return
        try:
            found = self.openai.vector_stores.search(
                account.vector_store_id,
                query="document number says hello",
                filters=document_filter(account.procedures_id),
            )
            files = {one.file_id for one in found.data}
        except NotFoundError:
            files = set()
        assert files <= {account.procedures.openai_file_id}
        assert files or not self.is_intact

    def teardown(self) -> None:
        if not hasattr(self, "account"):
            return
        for _ in range(2):  # the first reconciliation repairs; the second finds everything intact
            self.expire_claims()
            for document in self.documents(status="processing"):
                with contextlib.suppress(RetryLaterError):
                    prepare_procedures(document.pk)
            reconcile_procedures(is_all=True)
        self.expire_claims()
        account = Account.objects.select_related("procedures").get(pk=self.account.pk)
        mine = {str(self.account.pk)}
        stores = [
            one.id for one in self.openai.vector_stores.list() if (one.metadata or {}).get("steadyline_account") in mine
        ]
        ids = {str(document.pk) for document in self.documents()}
        files = [one.id for one in self.openai.files.list() if one.filename.split(".")[0][-36:] in ids]
        assert stores == ([account.vector_store_id] if account.procedures else [])
        assert files == ([account.procedures.openai_file_id] if account.procedures else [])
        self.openai.close()


@pytest.mark.timeout(3000 if IS_PROVE_RUN else 300)
def test_one_document_is_active_after_any_sequence_of_events(
    transactional_db, standin, settings, supervisor, organization
):
    settings.PROCEDURES_TIMEOUT = 0.4
    settings.PROCEDURES_LEFT_AFTER = settings.REAP_GRACE = 0
    settings.REAP_SHARE = 100

    def create_account() -> tuple[Account, object]:
        return Account.objects.create(organization=organization, name="Line"), supervisor

    ProcedureReplacementMachine.standin, ProcedureReplacementMachine.create_account = (
        standin,
        staticmethod(create_account),
    )
    # No shrink phase: shrinking a failure takes minutes.
    options = hypothesis_settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS_EACH, deadline=None, phases=[Phase.reuse, Phase.generate]
    )
    run_state_machine_as_test(ProcedureReplacementMachine, settings=options)

    # The rules and invariants do the checking. This makes sure that replacements took place at all.
    assert ProcedureDocument.objects.filter(status="ready").exclude(replaced=None).exists()
