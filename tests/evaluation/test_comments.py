from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from evaluation.models import Comment
from evaluation.services.comments import add_comment
from recordings.models import Recording, RecordingDeletion
from tests.support.fixtures import client_of
from training.models import Session
from training.services.sessions import EndReason, end_session


@pytest.fixture
def recorded_session(call) -> Session:
    """Return an ended call with a recording of one minute."""
    end_session(call, EndReason.HUNG_UP)
    Recording.objects.create(
        session=call,
        organization_id=call.organization_id,
        state=Recording.State.COMPLETED,
        file="recordings/x.wav",
        duration_ms=60_000,
        size=44,
        peaks=[[0.5], [0.25]],
    )
    return call


def post_comment(person, session, at: str = "0:42", text: str = "Well asked.", **headers: str):
    path = f"/sessions/{session.pk}/comments/"
    return client_of(person).post(path, {"at": at, "text": text}, headers=headers)


def test_comment_by_supervisor_is_shown_to_counselor(recorded_session, supervisor, counselor):
    response = post_comment(supervisor, recorded_session)

    comment = Comment.objects.get()
    assert (comment.at_ms, comment.text, comment.author, comment.session) == (
        42_000,
        "Well asked.",
        supervisor,
        recorded_session,
    )
    assert response["Location"] == f"/sessions/{recorded_session.pk}/transcript/#comment-{comment.pk}"
    page = client_of(counselor).get(f"/sessions/{recorded_session.pk}/transcript/").content.decode()
    assert "Well asked." in page
    assert "Add a comment" not in page


@pytest.mark.parametrize(("role", "status"), [("counselor", 403), ("trainer", 404), ("evaluator", 404)])
def test_comment_is_forbidden_for_other_roles(request, recorded_session, role, status):
    response = post_comment(request.getfixturevalue(role), recorded_session)

    assert (response.status_code, Comment.objects.count()) == (status, 0)


def test_service_keeps_other_roles_from_commenting(recorded_session, counselor, evaluator, stranger):
    for person in (counselor, evaluator, stranger):
        with pytest.raises(PermissionDenied):
            add_comment(recorded_session, person, 0, "x")


@pytest.mark.parametrize(
    ("at", "text", "error"),
    [
        ("1:01", "x", "The recording is shorter than that."),
        ("soon", "x", "Enter a time in minutes and seconds"),
        ("0:01", "  ", "This field is required."),
        ("0:01", "x" * 2001, "at most 2000 characters"),
    ],
)
def test_comment_form_shows_errors_and_keeps_input(recorded_session, supervisor, at, text, error):
    full_page = post_comment(supervisor, recorded_session, at, text)
    fragment = post_comment(supervisor, recorded_session, at, text, **{"HX-Request": "true"})

    assert (full_page.status_code, fragment.status_code, Comment.objects.count()) == (400, 200, 0)
    for response in (full_page, fragment):
        assert error in response.content.decode()
        assert at in response.content.decode()
    assert "<h1>" not in fragment.content.decode()


def test_comment_text_is_escaped(recorded_session, supervisor):
    post_comment(supervisor, recorded_session, text="<script>alert(1)</script>")

    page = client_of(supervisor).get(f"/sessions/{recorded_session.pk}/transcript/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_comment_can_be_deleted_only_by_author(recorded_session, supervisor, admin):
    post_comment(supervisor, recorded_session)
    path = f"/sessions/{recorded_session.pk}/comments/{Comment.objects.get().pk}/delete/"

    assert client_of(admin).post(path).status_code == 404
    assert Comment.objects.count() == 1
    question = client_of(supervisor).post(path).content.decode()
    assert "Delete this comment?" in question and "You can’t undo this." in question
    assert Comment.objects.count() == 1
    assert client_of(supervisor).post(path, {"confirmed": "yes"}).status_code == 302
    assert Comment.objects.count() == 0


def test_comment_delete_requires_matching_session(recorded_session, supervisor, colleague):
    post_comment(supervisor, recorded_session)
    other = Session.objects.create(
        organization=recorded_session.organization, counselor=colleague, kind="free_practice", mode="phone",
        status="completed", ended_at=timezone.now(),
    )  # fmt: skip

    path = f"/sessions/{other.pk}/comments/{Comment.objects.get().pk}/delete/"
    assert client_of(supervisor).post(path).status_code == 404


def test_comment_at_a_time_requires_playable_recording(call, supervisor):
    end_session(call, EndReason.HUNG_UP)

    timed, whole = post_comment(supervisor, call), post_comment(supervisor, call, at="")

    assert (timed.status_code, whole.status_code) == (400, 302)
    assert "There is no recording to comment on. Leave the time empty." in timed.content.decode()
    assert [comment.at_ms for comment in Comment.objects.all()] == [None]


def test_comment_on_the_whole_conversation_needs_no_recording(finished_chat, supervisor, counselor, chat):
    page = client_of(supervisor).get(f"/sessions/{finished_chat.pk}/transcript/").content.decode()

    post_comment(supervisor, finished_chat, at="", text="You stayed with it.")

    assert "Add a comment" in page
    own = client_of(counselor).get(f"/sessions/{finished_chat.pk}/transcript/").content.decode()
    assert "You stayed with it." in own and "on the whole conversation" in own


def test_live_conversation_cannot_be_commented_on(chat, supervisor):
    assert (post_comment(supervisor, chat, at="").status_code, Comment.objects.count()) == (403, 0)


def test_comments_on_the_whole_come_first(recorded_session, supervisor):
    for at in ("0:30", "", "0:10"):
        post_comment(supervisor, recorded_session, at=at)

    assert [comment.at_ms for comment in Comment.objects.all()] == [None, 10_000, 30_000]


def test_comment_form_does_not_wait_for_the_recording(recorded_session, supervisor, counselor):
    Recording.objects.update(state="recording", file="")
    path = f"/sessions/{recorded_session.pk}/transcript/"
    before = client_of(supervisor).get(path).content.decode()
    Recording.objects.update(state="completed", file="recordings/x.wav")

    added = post_comment(supervisor, recorded_session, **{"HX-Request": "true"}).content.decode()

    assert "Add a comment" in before and "Add a comment" not in client_of(counselor).get(path).content.decode()
    assert 'id="turns" data-transcript hx-swap-oob="true"' in added and "Your comment at 0:42 was added." in added


@pytest.mark.parametrize(("reason", "message"), [("retention", "retention period ended"), ("request", "by request")])
def test_deleted_recording_shows_reason(recorded_session, counselor, reason, message):
    recording = Recording.objects.get()
    Recording.objects.update(state="deleted", file="", peaks=[])
    RecordingDeletion.objects.create(recording=recording, organization=recording.organization, reason=reason)

    page = client_of(counselor).get(f"/sessions/{recorded_session.pk}/").content.decode()
    assert ("The recording was deleted on" in page, message in page, "<audio" in page) == (True, True, False)


def test_late_recording_shows_notice_and_polls_slower(recorded_session, counselor):
    Recording.objects.update(state="recording", file="")
    path = f"/sessions/{recorded_session.pk}/recording/"
    soon = client_of(counselor).get(path).content.decode()
    Session.objects.update(ended_at=timezone.now() - timedelta(minutes=3))
    late = client_of(counselor).get(path).content.decode()

    assert ("is being prepared" in soon, "every 2s" in soon) == (True, True)
    assert ("is taking longer than usual" in late, "every 30s" in late) == (True, True)


def test_playable_recording_stays_available_while_parts_are_added(recorded_session, counselor):
    Recording.objects.update(state="recording")

    page = client_of(counselor).get(f"/sessions/{recorded_session.pk}/").content.decode()

    assert ("arrived late" in page, "<audio" in page, f"/sessions/{recorded_session.pk}/recording/" in page) == (
        True,
        True,
        False,
    )
