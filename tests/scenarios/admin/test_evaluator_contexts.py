from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models.signals import post_save, pre_save

from config.storage.disk import PrivateFileStorage
from scenarios.models import CONTEXT_FOLDER, Scenario
from tests.scenarios.admin.test_scenarios import ADD, FIELDS, change_url, form_of
from tests.scenarios.services.test_evaluator_contexts import use_storage
from tests.support.fixtures import client_of


def use_own_folder(settings, folder: Path) -> None:
    """Store files in this test's own folder, so that tests running at the same time do not change its file counts."""
    settings.MEDIA_ROOT = folder
    use_storage(settings, "config.storage.disk.PrivateFileStorage")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path) -> None:
    use_own_folder(settings, tmp_path)


def upload(content: str | bytes, name: str = "context.md") -> dict[str, ContentFile]:
    return {"context_file": ContentFile(content if isinstance(content, bytes) else content.encode(), name=name)}


def context_files() -> set[Path]:
    return set(Path(default_storage.path(CONTEXT_FOLDER)).rglob("*.txt"))


@pytest.mark.parametrize("name", ["context.txt", "Context.MD"])
def test_context_file_is_uploaded(supervisor, name):
    file = upload(b"\xef\xbb\xbf- Names it.\r\n- Waits.\r\n", name)

    response = client_of(supervisor).post(ADD, FIELDS | {"evaluator_context": ""} | file)

    scenario = Scenario.objects.get()
    assert response.status_code == 302
    assert scenario.evaluator_context == "- Names it.\n- Waits.\n"
    assert scenario.evaluator_context_file.name.startswith(f"evaluator_context/{scenario.pk}/")


def test_upload_replaces_text(supervisor, chat_scenario, django_capture_on_commit_callbacks):
    old_text = {"evaluator_context": chat_scenario.evaluator_context.replace("\n", "\r\n")}
    old_file = Path(chat_scenario.evaluator_context_file.path)

    with django_capture_on_commit_callbacks(execute=True):
        response = client_of(supervisor).post(change_url(chat_scenario), FIELDS | old_text | upload("- Waits."))

    chat_scenario.refresh_from_db()
    assert response.status_code == 302
    assert chat_scenario.evaluator_context == "- Waits."
    assert context_files() & {old_file, Path(chat_scenario.evaluator_context_file.path)} == {
        Path(chat_scenario.evaluator_context_file.path)
    }


def test_identical_text_and_file_are_accepted(supervisor):
    response = client_of(supervisor).post(ADD, FIELDS | upload(FIELDS["evaluator_context"]))

    assert response.status_code == 302
    assert Scenario.objects.get().evaluator_context == "- Names the loneliness.\n- Asks directly."


def test_conflicting_text_and_file_are_rejected(supervisor):
    before = context_files()

    response = client_of(supervisor).post(ADD, FIELDS | upload("- Waits."))

    form = form_of(response)
    assert form.errors.keys() == {"context_file"}
    assert "differ" in form.errors["context_file"][0]
    assert form["evaluator_context"].value() == FIELDS["evaluator_context"]
    assert (Scenario.objects.count(), context_files()) == (0, before)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"%PDF-1.7 text", "context.pdf", "Upload a .txt or .md file"),
        (b"PK\x03\x04 text", "context.docx", "Upload a .txt or .md file"),
        (b"PK\x03\x04 text", "context.txt", "This is a PDF or Word file with a different extension"),
        (b"x" * 50_001, "context.txt", "50,001 characters. The limit is 50,000"),
        (b"na\xefve", "context.md", "Line 1 of this file is not UTF-8 text"),
    ],
)
def test_invalid_file_is_rejected_and_keeps_input(supervisor, content, name, message):
    response = client_of(supervisor).post(ADD, FIELDS | upload(content, name))

    form = form_of(response)
    assert form.errors.keys() == {"context_file"}
    assert message in form.errors["context_file"][0]
    fields = FIELDS.keys() - {"is_active"}
    assert {name: form[name].value() for name in fields} == {name: FIELDS[name] for name in fields}


def test_file_is_kept_when_another_field_is_invalid(supervisor):
    # Browsers do not send a chosen file again, so the form must contain its text.
    before = context_files()

    response = client_of(supervisor).post(ADD, FIELDS | {"title": "", "evaluator_context": ""} | upload("- Waits."))

    form = form_of(response)
    assert form.errors.keys() == {"title"}
    assert form["evaluator_context"].value() == "- Waits."
    assert (Scenario.objects.count(), context_files()) == (0, before)


class UnavailableStorage(PrivateFileStorage):
    """A storage that refuses every write, and every read too unless `reads` is true."""

    def __init__(self, reads: bool) -> None:
        super().__init__()
        self.reads = reads

    def _save(self, name: str, content: ContentFile) -> str:
        raise OSError("The storage is unavailable.")

    def _open(self, name: str, mode: str = "rb"):
        if not self.reads:
            raise OSError("The storage is unavailable.")
        return super()._open(name, mode)


@pytest.mark.parametrize("fields", [{}, {"evaluator_context": ""} | upload("- Waits.")], ids=["typed", "uploaded"])
def test_storage_error_keeps_input(supervisor, settings, fields):
    use_storage(settings, f"{__name__}.UnavailableStorage", reads=True)

    response = client_of(supervisor).post(ADD, FIELDS | fields)

    form = form_of(response)
    assert form.errors.keys() == {"evaluator_context"}
    assert "could not be stored" in form.errors["evaluator_context"][0]
    assert form["title"].value() == "Night shift"
    assert form["evaluator_context"].value() == ("- Waits." if fields else FIELDS["evaluator_context"])
    assert Scenario.objects.count() == 0


def test_unavailable_context_is_not_overwritten(supervisor, chat_scenario, settings):
    key = chat_scenario.evaluator_context_file.name
    use_storage(settings, f"{__name__}.UnavailableStorage", reads=False)
    client = client_of(supervisor)

    response = client.get(change_url(chat_scenario), follow=True)
    saved = client.post(change_url(chat_scenario), FIELDS)

    chat_scenario.refresh_from_db()
    assert response.redirect_chain == [("/admin/scenarios/scenario/", 302)]
    assert "can’t be read right now" in response.content.decode()
    assert "can’t be read right now" in form_of(saved).errors["evaluator_context"][0]
    assert form_of(saved)["evaluator_context"].value() == FIELDS["evaluator_context"]
    assert (chat_scenario.title, chat_scenario.evaluator_context_file.name) == ("Writing from the train", key)


@pytest.fixture(params=[Scenario, LogEntry], ids=["early", "late"])
def failing_save(request):
    """Raise an error after the row is written and before the transaction commits."""

    def fail(**kwargs: object) -> None:
        raise RuntimeError("not this time")

    post_save.connect(fail, sender=request.param)
    yield
    post_save.disconnect(fail, sender=request.param)


@pytest.mark.django_db(transaction=True)
def test_rollback_leaves_no_file(supervisor, chat_scenario, failing_save):
    before, key = context_files(), chat_scenario.evaluator_context_file.name
    client = client_of(supervisor)

    for path in (ADD, change_url(chat_scenario)):
        with pytest.raises(RuntimeError, match="not this time"):
            client.post(path, FIELDS)

    chat_scenario.refresh_from_db()
    assert context_files() == before
    assert (Scenario.objects.count(), chat_scenario.evaluator_context_file.name) == (1, key)
    assert "Asks what makes going home hard" in chat_scenario.evaluator_context


class LoggedStorage(PrivateFileStorage):
    """A storage that records its calls, separately for those made inside and outside a transaction."""

    calls_in_transaction: list[str] = []
    calls_outside_transaction: list[str] = []

    def _log_call(self, name: str) -> None:
        calls = self.calls_in_transaction if connection.in_atomic_block else self.calls_outside_transaction
        calls.append(name)

    def _save(self, name: str, content: ContentFile) -> str:
        self._log_call("save")
        return super()._save(name, content)

    def _open(self, name: str, mode: str = "rb"):
        self._log_call("open")
        return super()._open(name, mode)

    def delete(self, name: str) -> None:
        self._log_call("delete")
        super().delete(name)


@pytest.mark.django_db(transaction=True)
def test_storage_is_used_outside_transactions(supervisor, chat_scenario, settings, monkeypatch):
    monkeypatch.setattr(LoggedStorage, "calls_in_transaction", [])
    monkeypatch.setattr(LoggedStorage, "calls_outside_transaction", [])
    use_storage(settings, f"{__name__}.LoggedStorage")

    response = client_of(supervisor).post(change_url(chat_scenario), FIELDS)

    assert response.status_code == 302
    assert LoggedStorage.calls_in_transaction == []
    assert LoggedStorage.calls_outside_transaction == ["open", "save", "delete"]


def test_unchanged_text_is_not_written(supervisor, chat_scenario):
    key = chat_scenario.evaluator_context_file.name
    text = {"evaluator_context": chat_scenario.evaluator_context}

    client_of(supervisor).post(change_url(chat_scenario), FIELDS | text)

    chat_scenario.refresh_from_db()
    assert (chat_scenario.title, chat_scenario.evaluator_context_file.name) == ("Night shift", key)


def test_save_keeps_context_stored_meanwhile(supervisor, chat_scenario):
    text = {"evaluator_context": chat_scenario.evaluator_context}

    def store(**kwargs: object) -> None:
        Scenario.objects.update(evaluator_context_file="evaluator_context/another.txt")

    pre_save.connect(store, sender=Scenario)
    client_of(supervisor).post(change_url(chat_scenario), FIELDS | text)
    pre_save.disconnect(store, sender=Scenario)

    chat_scenario.refresh_from_db()
    assert chat_scenario.title == "Night shift"
    assert chat_scenario.evaluator_context_file.name == "evaluator_context/another.txt"


def test_cleared_context_has_no_file(supervisor, chat_scenario):
    client_of(supervisor).post(change_url(chat_scenario), FIELDS | {"evaluator_context": ""})

    chat_scenario.refresh_from_db()
    assert (chat_scenario.evaluator_context, chat_scenario.evaluator_context_file.name) == ("", "")


def test_save_as_new_creates_separate_scenario(supervisor, chat_scenario):
    """Send `_saveasnew` without its button: Django accepts it from any client."""
    client_of(supervisor).post(change_url(chat_scenario), FIELDS | {"_saveasnew": "yes"})

    copy = Scenario.objects.exclude(pk=chat_scenario.pk).get()
    chat_scenario.refresh_from_db()
    assert (copy.organization, copy.title) == (supervisor.organization, "Night shift")
    assert copy.evaluator_context == "- Names the loneliness.\n- Asks directly."
    assert "Asks what makes going home hard" in chat_scenario.evaluator_context


@pytest.mark.parametrize(
    ("role", "path"), [("evaluator", change_url), ("stranger", change_url), ("evaluator", lambda _: ADD)]
)
def test_upload_without_permission_stores_nothing(request, role, path, chat_scenario, settings, monkeypatch):
    monkeypatch.setattr(LoggedStorage, "calls_in_transaction", [])
    monkeypatch.setattr(LoggedStorage, "calls_outside_transaction", [])
    use_storage(settings, f"{__name__}.LoggedStorage")

    response = client_of(request.getfixturevalue(role)).post(path(chat_scenario), FIELDS)

    chat_scenario.refresh_from_db()
    assert response.status_code == (403 if role == "evaluator" else 302)
    assert chat_scenario.title == "Writing from the train"
    assert "save" not in LoggedStorage.calls_in_transaction + LoggedStorage.calls_outside_transaction
