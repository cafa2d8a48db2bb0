import pytest
from django.core.files.base import ContentFile

from evaluation.models import Comment, DocumentationReview
from evaluation.services.documentation_comparison import compare_documentation
from evaluation.services.grading import grade_evaluation
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


def test_comments_api_requires_recording(supervisor, finished_chat):
    response = post(client_of(supervisor), f"/api/sessions/{finished_chat.pk}/comments/", {"at_ms": 0, "text": "x"})

    assert (response.status_code, response.json()["code"]) == (409, "not_recorded")


def test_documentation_api_accepts_one_submission_and_compares_it(counselor, supervisor, queued, standin):
    grade_evaluation(queued.pk)
    client, path = client_of(counselor), f"/api/sessions/{queued.session_id}/documentation/"
    text = b"The caller told of an exam. Asked about suicide."

    first = client.post(path, {"document": ContentFile(text, name="notes.txt")})
    second = client.post(path, {"document": ContentFile(text, name="notes.txt")})
    compare_documentation(DocumentationReview.objects.get().pk)

    assert (first.status_code, first["Location"], first.json()["status"]) == (202, path, "queued")
    assert (second.status_code, list(second.json()["fields"])) == (400, ["document"])
    report = client_of(supervisor).get(path).json()
    assert (report["status"], report["filename"]) == ("completed", "notes.txt")
    assert 0 <= report["overall"] <= 100
    assert client.post(f"{path}retry/").status_code == 200


def test_documentation_api_reports_rejected_file(counselor, queued, standin):
    grade_evaluation(queued.pk)

    response = client_of(counselor).post(
        f"/api/sessions/{queued.session_id}/documentation/", {"document": ContentFile(b"", name="empty.txt")}
    )

    assert (response.status_code, list(response.json()["fields"])) == (400, ["document"])
    assert DocumentationReview.objects.count() == 0


def test_me_api_reads_user_and_updates_email_notifications(counselor):
    client = client_of(counselor)

    changed = client.patch(
        "/api/me/", {"mail_due_soon": False, "email": "x@example.org", "role": "admin"}, content_type="application/json"
    )

    counselor.refresh_from_db()
    assert (changed.status_code, changed.json()["role"], changed.json()["mail_due_soon"]) == (200, "counselor", False)
    assert (counselor.email, counselor.mail_due_soon) == ("counselor@example.org", False)
