import pytest

from recordings.models import Recording, RecordingConsent, RecordingDeletion
from recordings.services.finishing import finish_recording
from tests.recordings.recording_factory import record_call, stored_keys, use_storage
from tests.support.fixtures import client_of


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    use_storage(settings, tmp_path / "files")


@pytest.fixture
def recording(call) -> Recording:
    recording = record_call(call)
    finish_recording(recording.pk)
    return recording


def post_change(person, recording: Recording, **fields: str):
    return client_of(person).post(f"/admin/recordings/recording/{recording.pk}/change/", fields, follow=True)


def delete_in_admin(person, recording: Recording) -> str:
    data = {"action": "delete_now", "_selected_action": str(recording.pk), "confirmed": "yes"}
    response = client_of(person).post("/admin/recordings/recording/", data, follow=True)
    text: str = response.content.decode()
    return text


def test_delete_action_asks_first(recording, supervisor):
    data = {"action": "delete_now", "_selected_action": str(recording.pk)}

    page = client_of(supervisor).post("/admin/recordings/recording/", data).content.decode()

    assert "Delete audio permanently?" in page and "no one can restore it" in page
    assert f'name="_selected_action" value="{recording.pk}"' in page and 'name="confirmed" value="yes"' in page
    assert len(stored_keys("recordings/")) == 1


def test_legal_hold_requires_reason_and_prevents_deletion(recording, supervisor):
    error_page = post_change(supervisor, recording, is_held="on", hold_reason="").content.decode()
    post_change(supervisor, recording, is_held="on", hold_reason="A complaint is open.")

    recording.refresh_from_db()
    assert "Enter a reason for the legal hold." in error_page
    assert (recording.is_held, recording.hold_reason, recording.state) == (True, "A complaint is open.", "completed")
    kept_page = delete_in_admin(supervisor, recording)
    assert "1 recording was kept because of a legal hold." in kept_page and "deleted copies" not in kept_page
    assert len(stored_keys("recordings/")) == 1


def test_supervisor_deletes_recording_and_sees_deleted_copies(recording, supervisor):
    recording.refresh_from_db()
    result_page = delete_in_admin(supervisor, recording)
    page = client_of(supervisor).get(f"/admin/recordings/recording/{recording.pk}/change/").content.decode()

    assert "1 recording was deleted." in result_page
    assert RecordingDeletion.objects.get().requested_by == supervisor
    assert (recording.file.name in page, str(supervisor) in page, stored_keys("recordings/")) == (True, True, [])


def test_change_page_shows_retention_and_consent(recording, supervisor, organization):
    organization.recording_days = 30
    organization.save()
    RecordingConsent.objects.create(
        organization=organization, session=recording.session, user=recording.session.counselor, text_version="1"
    )

    page = client_of(supervisor).get(f"/admin/recordings/recording/{recording.pk}/change/").content.decode()

    recording.refresh_from_db()
    assert f"{recording.kept_until:%Y-%m-%d}" in page
    assert (recording.kept_until - recording.session.ended_at).days == 30
    assert "UTC to version 1 of the text" in page


def test_changelist_uses_fixed_number_of_queries(recording, supervisor, django_assert_num_queries):
    client = client_of(supervisor)
    with django_assert_num_queries(6):
        page = client.get("/admin/recordings/recording/").content.decode()

    assert recording.session.title in page


@pytest.mark.parametrize("person", ["trainer", "evaluator"])
def test_roles_without_permission_cannot_delete(request, recording, person):
    delete_in_admin(request.getfixturevalue(person), recording)

    assert (len(stored_keys("recordings/")), RecordingDeletion.objects.count()) == (1, 0)


def test_retention_is_set_for_organization_and_account(admin, organization, account):
    client = client_of(admin)
    for path in (f"organization/{organization.pk}", f"account/{account.pk}"):
        assert 'name="recording_days"' in client.get(f"/admin/accounts/{path}/change/").content.decode()
    fields = {"name": account.name, "number": account.number, "recording_days": "0"}
    rejected_page = client.post(f"/admin/accounts/account/{account.pk}/change/", fields).content.decode()
    saved = client.post(f"/admin/accounts/account/{account.pk}/change/", fields | {"recording_days": "45"})

    account.refresh_from_db()
    assert saved.status_code == 302, saved.content.decode()
    assert "greater than or equal to 1" in rejected_page
    assert account.recording_days == 45
