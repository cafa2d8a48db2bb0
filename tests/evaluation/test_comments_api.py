import pytest
from django.core.files.base import ContentFile

from evaluation.models import Comment
from recordings.models import Recording
from tests.support.fixtures import client_of
from training.models import Session


@pytest.fixture
def recorded_session(counselor, call) -> Session:
    session = Session.objects.create(
        organization=counselor.organization,
        counselor=counselor,
        kind="free_practice",
        mode="phone",
        status="completed",
        ended_at=call.started_at,
    )
    recording = Recording(
        session=session,
        organization_id=session.organization_id,
        state="completed",
        size=3,
        sha256="x",
        duration_ms=9000,
    )
    recording.file.save("r.wav", ContentFile(b"wav"))
    return session


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


def test_comments_api_creates_lists_and_deletes(recorded_session, supervisor, admin, counselor):
    client, path = client_of(supervisor), f"/api/sessions/{recorded_session.pk}/comments/"

    response = post(client, path, {"at_ms": 4000, "text": "Well asked."})

    assert (response.status_code, response.json()["at_ms"], response.json()["author"]) == (201, 4000, supervisor.email)
    assert [row["text"] for row in client_of(counselor).get(path).json()] == ["Well asked."]
    comment_path = f"{path}{response.json()['id']}/"
    assert client_of(admin).delete(comment_path).status_code == 404
    assert (client.delete(comment_path).status_code, Comment.objects.count()) == (204, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"at_ms": 9001, "text": "x"}, 400), ({"at_ms": -1, "text": "x"}, 400), ({"at_ms": 1}, 400)],
)
def test_comments_api_rejects_invalid_comment(recorded_session, supervisor, body, status):
    assert post(client_of(supervisor), f"/api/sessions/{recorded_session.pk}/comments/", body).status_code == status
    assert Comment.objects.count() == 0


def test_comments_api_takes_comments_on_the_whole_conversation(supervisor, finished_chat):
    path = f"/api/sessions/{finished_chat.pk}/comments/"

    responses = [post(client_of(supervisor), path, body) for body in ({"text": "x"}, {"at_ms": None, "text": "y"})]

    assert [(one.status_code, one.json()["at_ms"]) for one in responses] == [(201, None), (201, None)]


def test_comments_api_refuses_live_conversation(supervisor, chat):
    response = post(client_of(supervisor), f"/api/sessions/{chat.pk}/comments/", {"text": "x"})

    assert (response.status_code, response.json()["code"]) == (409, "session_live")


def test_comments_api_requires_recording_for_a_time(supervisor, finished_chat):
    response = post(client_of(supervisor), f"/api/sessions/{finished_chat.pk}/comments/", {"at_ms": 0, "text": "x"})

    assert (response.status_code, response.json()["code"]) == (409, "not_recorded")
