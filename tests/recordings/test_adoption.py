"""Reapers of restored, older, and second databases, which delete nothing until `adopt_store` claims the store."""

import io
import itertools
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone
from openai import OpenAI

from accounts.models import (
    Account,
    Delivery,
    IdempotentCall,
    Installation,
    Organization,
    ProcedureDocument,
    ReapCandidate,
)
from accounts.procedures.document_preparation import prepare_procedures
from accounts.procedures.uploads import upload_procedures
from accounts.services import ownership
from accounts.services.ownership import MARKER_KEY, Marker, advance_ownership, ownership_problem, read_marker
from accounts.tasks import delete_expired_records, reconcile_procedures
from recordings.models import Recording, RecordingDeletion, spool_folder
from recordings.services import adoption, deletion, orphans
from recordings.services.deletion import delete_recording, sweep_retention
from recordings.services.finishing import finish_recording, sweep_recordings
from recordings.services.orphans import delete_orphans
from recordings.services.spools import upload_closed_spools
from recordings.storage import object_store
from scenarios.models import CONTEXT_FOLDER, ImportJob, ScenarioDraft
from scenarios.services.evaluator_contexts import delete_orphaned_contexts, write_evaluator_context
from scenarios.tasks import sweep_drafts, sweep_imports
from tests.accounts.test_document_preparation import prepare_ready_document, uploaded_file
from tests.recordings.object_stores import new_bucket, use_bucket
from tests.recordings.recording_factory import record_call, record_epoch, stored_keys, use_storage

BOTH_STORES = pytest.mark.parametrize("store", ["folder", "s3"], indirect=True)
OTHER = "other-installation"


@pytest.fixture(autouse=True)
def store(request, settings, tmp_path):
    ownership.forget_proof()
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.REAP_GRACE = settings.PROCEDURES_LEFT_AFTER = 0
    if getattr(request, "param", "folder") == "folder":
        use_storage(settings, tmp_path / "files")
    else:
        use_bucket(settings, new_bucket(request.getfixturevalue("s3_url")))


@pytest.fixture
def recording(call) -> Recording:
    """Return a finished recording whose spool is still on its host."""
    recording = record_call(call)
    finish_recording(recording.pk)
    recording.refresh_from_db()
    return recording


@pytest.fixture
def openai(standin):
    with OpenAI(api_key="sk-tests", base_url=standin.base_url) as client:
        for store in client.vector_stores.list():
            client.vector_stores.delete(store.id)
        for file in client.files.list():
            client.files.delete(file.id)
        yield client


def audio_keys() -> list[str]:
    return [*stored_keys("recordings/"), *stored_keys("spools/")]


def remote_ids(client: OpenAI) -> set[str]:
    return {one.id for one in client.vector_stores.list()} | {one.id for one in client.files.list()}


def run_reapers() -> None:
    """Run every sweep that deletes, as if two days had passed."""
    sweep_retention()
    sweep_recordings()
    upload_closed_spools()
    delete_orphans()
    delete_orphaned_contexts()
    reconcile_procedures()
    delete_expired_records()
    sweep_imports()
    sweep_drafts()


def advance_days(days: float, monkeypatch) -> None:
    now = timezone.now() + timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: now)


# Each function turns the owner's database into one that must not delete.
def lose_the_row() -> None:
    Installation.objects.all().delete()


def fall_behind() -> None:
    row = Installation.objects.values("counter", "token").get()
    advance_ownership()
    Installation.objects.update(**row)


def belong_to_another() -> None:
    Installation.objects.update(name=OTHER)


def use_another_store() -> None:
    object_store().put(MARKER_KEY, Marker(OTHER, 1, "x").to_bytes())


def share_the_counter() -> None:
    Installation.objects.update(token="of-another-copy")


def lose_the_marker() -> None:
    object_store().delete(MARKER_KEY)


FOREIGN = [lose_the_row, fall_behind, belong_to_another, use_another_store, share_the_counter, lose_the_marker]


@BOTH_STORES
@pytest.mark.parametrize("become_foreign", FOREIGN)
def test_no_reaper_of_a_foreign_database_deletes(
    recording, organization, supervisor, openai, account, phone_scenario, monkeypatch, become_foreign, caplog
):
    prepare_ready_document(account, supervisor)
    orphan = f"recordings/{organization.pk}/{'0' * 8}-0000-4000-8000-{'0' * 12}/x.wav"
    object_store().put(orphan, b"x")
    default_storage.save(f"{CONTEXT_FOLDER}/{phone_scenario.pk}/left.txt", ContentFile(b"left"))
    openai.files.create(file=(f"procedures-tests-installation-{supervisor.pk}.md", b"left"), purpose="assistants")
    Organization.objects.update(recording_days=0)
    IdempotentCall.objects.create(caller="x", key="x", digest="x")
    ImportJob.objects.create(organization=organization, source="api", sha256="x", status=ImportJob.Status.CHECKED)
    ScenarioDraft.objects.create(organization=organization, created_by=supervisor, source="A complaint", status="ready")
    contexts = sum(len(default_storage.listdir(f"{CONTEXT_FOLDER}/{phone_scenario.pk}")[kind]) for kind in (0, 1))
    before = audio_keys(), remote_ids(openai)
    advance_days(400, monkeypatch)
    become_foreign()

    run_reapers()

    assert (audio_keys(), remote_ids(openai)) == before
    assert len(default_storage.listdir(f"{CONTEXT_FOLDER}/{phone_scenario.pk}")[1]) == contexts == 2
    assert spool_folder(recording.session_id, 1).exists()
    assert RecordingDeletion.objects.count() == 0
    assert (IdempotentCall.objects.count(), ImportJob.objects.count()) == (1, 1)
    assert ScenarioDraft.objects.get().source == "A complaint"
    assert sum("Nothing deleted by the reaper of expired recordings" in line for line in caplog.messages) == 1


@BOTH_STORES
def test_owner_deletes_all_that(recording, organization, supervisor, openai, phone_scenario, monkeypatch):
    """Show that the test above could fail: the owner's reapers delete each of these objects."""
    orphan = f"recordings/{organization.pk}/{'0' * 8}-0000-4000-8000-{'0' * 12}/x.wav"
    object_store().put(orphan, b"x")
    default_storage.save(f"{CONTEXT_FOLDER}/{phone_scenario.pk}/left.txt", ContentFile(b"left"))
    openai.files.create(file=(f"procedures-tests-installation-{supervisor.pk}.md", b"left"), purpose="assistants")
    Organization.objects.update(recording_days=0)
    IdempotentCall.objects.create(caller="x", key="x", digest="x")
    ImportJob.objects.create(organization=organization, source="api", sha256="x", status=ImportJob.Status.CHECKED)
    ScenarioDraft.objects.create(organization=organization, created_by=supervisor, source="A complaint", status="ready")
    advance_days(400, monkeypatch)

    run_reapers()

    assert (audio_keys(), remote_ids(openai)) == ([], set())
    assert len(default_storage.listdir(f"{CONTEXT_FOLDER}/{phone_scenario.pk}")[1]) == 1
    assert not spool_folder(recording.session_id, 1).exists()
    assert (IdempotentCall.objects.count(), ImportJob.objects.count()) == (0, 0)
    assert ScenarioDraft.objects.get().source == ""
    assert not Delivery.objects.exists()


def test_audio_of_unknown_organizations_is_kept_even_if_adopted(recording, organization, openai, monkeypatch):
    # An empty database knows no organization at all.
    unknown = f"recordings/{'1' * 8}-0000-4000-8000-{'0' * 12}/{recording.session_id}/x.wav"
    known = f"recordings/{organization.pk}/{'0' * 8}-0000-4000-8000-{'0' * 12}/x.wav"
    for key in (unknown, known):
        object_store().put(key, b"x")
    lose_the_row()
    call_command("adopt_store", "--yes", stdout=io.StringIO())
    advance_days(3, monkeypatch)

    removed = delete_orphans()

    assert (removed, unknown in audio_keys(), known in audio_keys()) == (1, True, False)


@BOTH_STORES
def test_requested_deletion_waits_for_the_owner(recording, monkeypatch):
    keys = audio_keys()
    fall_behind()

    delete_recording(recording)
    during = Recording.objects.get().state, audio_keys()
    adoption.adopt_own_folder()
    sweep_retention()

    assert (during, audio_keys()) == (("deleted", keys), [])


def test_superseded_context_of_a_foreign_database_stays(phone_scenario, django_capture_on_commit_callbacks):
    key = phone_scenario.evaluator_context_file.name
    fall_behind()

    with django_capture_on_commit_callbacks(execute=True):
        write_evaluator_context(phone_scenario, "- Asks about work.")

    assert default_storage.exists(key)


def test_restored_copy_with_another_id_leaves_live_procedures(account, supervisor, openai, settings):
    live = prepare_ready_document(account, supervisor)
    live_ids = remote_ids(openai)
    # A copy of the database gets an id and a store of its own, but the same OpenAI project.
    settings.INSTALLATION_ID = OTHER
    call_command("adopt_store", "--yes", "--take-over-from", "tests-installation", stdout=io.StringIO())

    reconcile_procedures()
    again = Account.objects.get().procedures
    prepare_procedures(live.pk)
    new = upload_procedures(account, uploaded_file(b"717\n4010 New."), supervisor)
    prepare_procedures(new.pk)
    reconcile_procedures()

    account.refresh_from_db()
    assert (again, account.procedures) == (live, new)
    assert live_ids <= remote_ids(openai)
    own = openai.vector_stores.retrieve(account.vector_store_id)
    assert own.metadata["steadyline_installation"] == OTHER
    assert account.vector_store_id not in live_ids


def test_replacement_in_a_lagging_copy_leaves_live_procedures(account, supervisor, openai):
    prepare_ready_document(account, supervisor)
    live_ids = remote_ids(openai)
    fall_behind()

    prepare_procedures(upload_procedures(account, uploaded_file(b"717\n4010 New."), supervisor).pk)
    reconcile_procedures()

    assert live_ids <= remote_ids(openai)


def untag(openai: OpenAI, account: Account) -> ProcedureDocument:
    """Give the account a store and a file as from before installations were named, and return its document."""
    document, store_id = account.procedures, account.vector_store_id
    openai.vector_stores.update(store_id, metadata={"steadyline_account": str(account.pk)})
    openai.files.delete(document.openai_file_id)
    old = openai.files.create(file=(f"procedures-{document.pk}.md", b"717\n3010 Old."), purpose="assistants")
    openai.vector_stores.files.create_and_poll(
        old.id, vector_store_id=store_id, attributes={"document": str(document.pk)}
    )
    ProcedureDocument.objects.filter(pk=document.pk).update(openai_file_id=old.id)
    document.refresh_from_db()
    return document


def test_adoption_tags_resources_from_before(account, supervisor, openai, settings):
    prepare_ready_document(account, supervisor)
    document = untag(openai, account)
    left = openai.files.create(file=(f"procedures-{document.pk}.md", b"left"), purpose="assistants").id
    foreign = openai.files.create(file=(f"procedures-{supervisor.pk}.md", b"x"), purpose="assistants").id
    lose_the_row()
    output = io.StringIO()

    call_command("adopt_store", "--yes", stdout=output)

    assert "1 vector stores and 2 files of this database name no installation" in output.getvalue()
    store = openai.vector_stores.retrieve(account.vector_store_id)
    attached = openai.vector_stores.files.retrieve(document.openai_file_id, vector_store_id=store.id)
    assert store.metadata["steadyline_installation"] == settings.INSTALLATION_ID
    assert attached.attributes == {"document": str(document.pk), "installation": settings.INSTALLATION_ID}
    assert Installation.objects.get().adopted_files == [left]
    reconcile_procedures()
    assert remote_ids(openai) == {store.id, document.openai_file_id, foreign}


def test_adoption_can_leave_openai(account, supervisor, openai):
    prepare_ready_document(account, supervisor)
    untag(openai, account)
    ids = remote_ids(openai)
    lose_the_row()

    call_command("adopt_store", "--yes", "--leave-openai", stdout=io.StringIO())
    reconcile_procedures()

    assert ids <= remote_ids(openai)
    assert "steadyline_installation" not in openai.vector_stores.retrieve(account.vector_store_id).metadata


@BOTH_STORES
def test_adoption_of_a_restored_backup_makes_it_the_owner(recording, openai):
    fall_behind()
    output = io.StringIO()

    call_command("adopt_store", "--yes", stdout=output)

    assert "older than the object store (counter 1, the store has 2)" in output.getvalue()
    assert "1 folders of audio. Of these:\n               0 are not needed by any row." in output.getvalue()
    assert ownership_problem() is None
    marker = read_marker()[0]
    assert marker and marker.counter == Installation.objects.get().counter == 3


@pytest.mark.parametrize("become_foreign", [belong_to_another, use_another_store])
def test_adoption_from_another_installation_needs_its_id(organization, openai, become_foreign):
    become_foreign()

    with pytest.raises(CommandError, match=f"add --take-over-from {OTHER}. Nothing was changed."):
        call_command("adopt_store", "--yes", stdout=io.StringIO())
    refused = ownership_problem()
    call_command("adopt_store", "--yes", "--take-over-from", OTHER, stdout=io.StringIO())

    assert (OTHER in str(refused), ownership_problem()) == (True, None)


@pytest.mark.parametrize(("answer", "is_adopted"), [("tests-installation", True), ("yes", False), ("", False)])
def test_adoption_asks_for_the_id(organization, openai, monkeypatch, answer, is_adopted):
    lose_the_row()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))

    if is_adopted:
        call_command("adopt_store", stdout=io.StringIO())
    else:
        with pytest.raises(CommandError, match="Nothing was changed."):
            call_command("adopt_store", stdout=io.StringIO())

    assert (ownership_problem() is None) == is_adopted


def test_adoption_without_openai_changes_nothing(organization, settings):
    lose_the_row()

    with pytest.raises(CommandError, match="--leave-openai"):
        call_command("adopt_store", "--yes", stdout=io.StringIO())

    assert ownership_problem() is not None


def test_owner_has_nothing_to_adopt(organization, openai):
    output = io.StringIO()

    call_command("adopt_store", stdout=output)

    assert output.getvalue() == "This database already owns the object store as tests-installation.\n"


def test_reap_orphans_lists_and_removes(organization, openai, settings, monkeypatch):
    settings.REAP_GRACE = 86_400
    orphan = f"recordings/{organization.pk}/{'0' * 8}-0000-4000-8000-{'0' * 12}/"
    object_store().put(f"{orphan}x.wav", b"x")
    outputs = [io.StringIO() for _ in range(3)]
    advance_days(2, monkeypatch)

    call_command("reap_orphans", "--run", stdout=outputs[0])
    call_command("reap_orphans", "recordings", stdout=outputs[1])
    advance_days(2, monkeypatch)
    call_command("reap_orphans", "recordings", "--run", "--all", stdout=outputs[2])

    lines = [output.getvalue() for output in outputs]
    assert "recordings: 1 candidates, 0 past the grace period, 0 removed (0 objects)" in lines[0]
    assert lines[1].endswith(f"recordings  {orphan}\n")
    assert lines[2] == "recordings: 1 candidates, 1 past the grace period, 1 removed (1 objects)\n"
    assert audio_keys() == []


def test_reap_orphans_refuses_a_foreign_database(organization):
    fall_behind()

    with pytest.raises(CommandError, match="older than the object store"):
        call_command("reap_orphans", "--run")


def test_candidate_that_is_in_use_again_is_kept(call, monkeypatch):
    record_epoch(call)
    recording = Recording.objects.get()
    object_store().put(f"{recording.key_prefix}x.wav", b"x")
    Recording.objects.filter(pk=recording.pk).update(state="deleted")
    advance_days(2, monkeypatch)
    listed = list(orphans.OrphanScan())
    Recording.objects.filter(pk=recording.pk).update(state="completed", file=f"{recording.key_prefix}x.wav")

    assert f"{recording.key_prefix}" in listed
    assert orphans._delete_folder(recording.key_prefix) == 0
    assert ReapCandidate.objects.count() == 0


OWNERS = [None, "tests-installation", OTHER]
COMBINATIONS = [
    pytest.param(row, marker, lead, marks=[] if lead == 0 or row == marker == OWNERS[1] else [pytest.mark.prove])
    for row, marker, lead in itertools.product(OWNERS, OWNERS, [-1, 0, 1])
]


@pytest.mark.parametrize(("row_name", "marker_name", "lead"), COMBINATIONS)
def test_no_object_of_another_installation_is_deleted(
    organization, account, supervisor, openai, monkeypatch, settings, row_name, marker_name, lead
):
    """Run the reapers in every combination of row, marker, and counter, beside objects of two installations."""
    keys: dict[str, set[str]] = {"tests-installation": set(), OTHER: set()}
    document = upload_procedures(account, uploaded_file(), supervisor)
    for installation, ids in keys.items():
        metadata = {"steadyline_account": str(account.pk), "steadyline_installation": installation}
        ids.add(openai.vector_stores.create(name="procedures", metadata=metadata).id)
        name = f"procedures-{installation}-{document.pk}.md"
        ids.add(openai.files.create(file=(name, b"x"), purpose="assistants").id)
    orphan = f"recordings/{organization.pk}/{'0' * 8}-0000-4000-8000-{'0' * 12}/x.wav"
    object_store().put(orphan, b"x")
    Installation.objects.all().delete()
    now = timezone.now()
    if row_name:
        Installation.objects.create(name=row_name, counter=5, token="x", adopted_at=now, advanced_at=now)
    object_store().delete(MARKER_KEY)
    if marker_name:
        object_store().put(MARKER_KEY, Marker(marker_name, 5 + lead, "x").to_bytes())
    advance_days(3, monkeypatch)

    run_reapers()

    is_owner = row_name == marker_name == settings.INSTALLATION_ID and lead <= 0
    assert keys[OTHER] <= remote_ids(openai)
    assert (keys[settings.INSTALLATION_ID] <= remote_ids(openai)) == (not is_owner)
    assert (orphan in audio_keys()) == (not is_owner)


@BOTH_STORES
def test_retention_of_the_owner_deletes_every_version(recording, monkeypatch):
    Organization.objects.update(recording_days=1)
    monkeypatch.setattr(deletion, "RECHECK_PERIOD", timedelta(0))
    advance_days(3, monkeypatch)

    assert (sweep_retention(), audio_keys()) == (1, [])
