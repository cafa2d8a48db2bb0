import io
import wave
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.utils import timezone

from recordings.audio.wav_header import wav_header
from recordings.models import Recording
from scenarios.models import Mode
from tests.recordings.object_stores import new_bucket, use_bucket
from tests.support.fixtures import add_person, client_of
from training.models import EndReason, Session
from training.services.session_start import start_free_practice, start_trial
from training.services.sessions import end_session

STEREO = np.stack([np.arange(1, 1001), np.arange(3000, 2000, -1)], axis=1).astype("<i2")
STEREO[10] = (30_000, 30_000)
STEREO[11] = (-30_000, -30_000)


def add_recording(session: Session) -> Recording:
    end_session(session, EndReason.HUNG_UP)
    recording = Recording(session=session, organization_id=session.organization_id, state="completed")
    data = wav_header(len(STEREO), 2, 24_000) + STEREO.tobytes()
    recording.file.save("recording.wav", ContentFile(data), save=False)
    recording.size, recording.sha256, recording.duration_ms = len(data), "0" * 64, 41
    recording.save()
    return recording


@pytest.fixture
def recording(call) -> Recording:
    return add_recording(call)


def list_recordings(person, query: str = "") -> list[str]:
    response = client_of(person).get(f"/api/recordings/{query}")
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_recording_list_is_limited_by_role(recording, colleague, counselor, supervisor, evaluator, stranger):
    other = add_recording(start_free_practice(colleague, Mode.PHONE)[0])

    assert list_recordings(counselor) == [str(recording.pk)]
    assert list_recordings(colleague) == [str(other.pk)]
    assert list_recordings(supervisor) == [str(other.pk), str(recording.pk)]
    assert list_recordings(evaluator) == []
    assert list_recordings(stranger) == []


def test_trial_is_listed_only_for_its_counselor(recording, supervisor, admin, phone_scenario):
    trial = add_recording(start_trial(supervisor, phone_scenario, Mode.PHONE)[0])

    assert list_recordings(supervisor) == [str(trial.pk), str(recording.pk)]
    assert list_recordings(admin) == [str(recording.pk)]


def test_recording_contains_ids_and_title(recording, counselor, phone_assignment):
    [row] = client_of(counselor).get("/api/recordings/").json()["results"]

    assert row["session"] == str(recording.session_id)
    assert (row["counselor"], row["scenario"]) == (str(counselor.pk), str(phone_assignment.scenario_id))
    assert (row["state"], row["duration_ms"], row["size"]) == ("completed", 41, 44 + STEREO.nbytes)
    assert row["download"] == f"/api/recordings/{recording.pk}/download/"


def test_list_filters_by_counselor_scenario_state_and_date(recording, colleague, supervisor, settings):
    settings.TIME_ZONE = "America/New_York"
    other = add_recording(start_free_practice(colleague, Mode.PHONE)[0])
    late_evening = datetime(2026, 3, 4, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    Session.objects.filter(pk=other.session_id).update(started_at=late_evening)
    Recording.objects.filter(pk=other.pk).update(state="partial")
    mine, theirs = [str(recording.pk)], [str(other.pk)]

    assert list_recordings(supervisor, f"?counselor={colleague.pk}") == theirs
    assert list_recordings(supervisor, f"?scenario={recording.session.scenario_id}") == mine
    assert list_recordings(supervisor, "?state=partial") == theirs
    assert (
        list_recordings(supervisor, "?date=2026-03-04") == list_recordings(supervisor, "?date_to=2026-03-04") == theirs
    )
    assert list_recordings(supervisor, "?date_from=2026-03-05") == mine
    assert list_recordings(supervisor, "?date=2026-03-05") == []


@pytest.mark.parametrize("query", ["counselor=me", "date=tomorrow", "state=lost", "councelor=1"])
def test_invalid_filter_is_rejected_by_name(supervisor, query):
    response = client_of(supervisor).get(f"/api/recordings/?{query}")

    assert (response.status_code, list(response.json()["fields"])) == (400, [query.partition("=")[0]])


def test_list_uses_fixed_number_of_queries(organization, supervisor, django_assert_num_queries):
    client = client_of(supervisor)

    def add(number: int) -> None:
        person = add_person(organization, "counselor", f"many{number}@example.org")
        session = start_free_practice(person, Mode.PHONE)[0]
        end_session(session, EndReason.HUNG_UP)
        Recording.objects.create(session=session, organization=organization, state="absent")

    add(0)
    with django_assert_num_queries(3):
        assert len(list_rows(client)) == 1
    for number in range(1, 12):
        add(number)
    with django_assert_num_queries(3):
        assert len(list_rows(client)) == 12


def list_rows(client) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = client.get("/api/recordings/").json()["results"]
    return rows


def use_store(settings, kind: str, request) -> None:
    if kind == "s3":
        use_bucket(settings, new_bucket(request.getfixturevalue("s3_url")))


async def body_of(response) -> bytes:
    return b"".join([block async for block in response.streaming_content])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["folder", "s3"])
async def test_mono_download_mixes_both_voices(call, counselor, log_in, settings, request, kind):
    use_store(settings, kind, request)
    recording = await sync_to_async(add_recording)(call)
    client = await log_in(counselor)
    path = f"/api/recordings/{recording.pk}/download/"

    response = await client.get(path, {"mix": "mono"})
    whole = await body_of(response)

    with wave.open(io.BytesIO(whole)) as wav:
        mono = np.frombuffer(wav.readframes(10_000), "<i2")
        assert (wav.getnchannels(), wav.getframerate()) == (1, 24_000)
    assert mono.tolist() == STEREO.sum(axis=1, dtype=int).clip(-32_768, 32_767).tolist()
    assert (mono[10], mono[11]) == (32_767, -32_768)
    assert int(response["Content-Length"]) == len(whole) == 44 + 2 * len(STEREO)
    for first, last in [(0, 0), (0, 43), (40, 51), (44, 45), (45, 46), (101, 1003), (len(whole) - 3, len(whole) - 1)]:
        part = await client.get(path, {"mix": "mono"}, headers={"Range": f"bytes={first}-{last}"})
        assert await body_of(part) == whole[first : last + 1], (first, last)
        assert part["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    stereo = await client.get(path)
    assert stereo["ETag"] != response["ETag"]
    stereo.close()  # the body is never read


def test_link_is_signed_for_one_minute(call, counselor, settings, s3_url):
    use_bucket(settings, new_bucket(s3_url))
    recording = add_recording(call)

    link = client_of(counselor).get(f"/api/recordings/{recording.pk}/link/").json()

    url = urlsplit(link["url"])
    query = parse_qs(url.query)
    expires_at = datetime.fromisoformat(link["expires_at"])
    assert url.path.endswith(recording.file.name)
    assert query["X-Amz-Expires"] == ["60"]
    assert query["response-content-disposition"] == [f'attachment; filename="steadyline-{call.pk}.wav"']
    assert abs(expires_at - timezone.now() - timedelta(seconds=60)) < timedelta(seconds=20)
    assert counselor.email.split("@")[0] not in link["url"]


def test_link_without_signing_is_our_own_url(recording, counselor):
    link = client_of(counselor).get(f"/api/recordings/{recording.pk}/link/").json()

    assert link == {"url": f"http://testserver/api/recordings/{recording.pk}/download/", "expires_at": None}


@pytest.mark.parametrize("path", ["/recordings/{}/audio/", "/api/recordings/{}/download/"])
def test_unavailable_store_returns_503(recording, counselor, settings, tmp_path, path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "tests.recordings.recording_factory.UnreadableStorage",
            "OPTIONS": {"location": tmp_path},
        }
    }

    response = client_of(counselor).get(path.format(recording.pk))

    assert (response.status_code, "Nothing was lost." in response.content.decode()) == (503, True)


def test_downloads_are_logged_with_ids_only(recording, counselor, caplog):
    caplog.set_level("INFO")

    client_of(counselor).head(f"/api/recordings/{recording.pk}/download/")

    [record] = [record for record in caplog.records if record.name == "recordings.api.recordings"]
    assert (record.session_id, record.user_id) == (recording.session_id, counselor.pk)
    assert counselor.email not in record.getMessage()
