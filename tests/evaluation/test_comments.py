from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.models import Comment
from recordings.models import Recording, RecordingDeletion
from tests.people import client_of
from training.models import Session
from training.services.sessions import EndReason, end_session


@pytest.fixture
def reviewed(call) -> Session:
    """A call that is over, with a recording of a minute."""
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


def say(person, session, at: str = "0:42", text: str = "Well asked.", **headers: str):
    path = f"/sessions/{session.pk}/comments/"
    return client_of(person).post(path, {"at": at, "text": text}, headers=headers)


def test_a_supervisor_says_something_to_a_moment_and_the_counselor_reads_it(reviewed, supervisor, counselor):
    answer = say(supervisor, reviewed)

    said = Comment.objects.get()
    assert (said.at_ms, said.text, said.author, said.session) == (42_000, "Well asked.", supervisor, reviewed)
    assert answer["Location"] == f"/sessions/{reviewed.pk}/#comment-{said.pk}"
    page = client_of(counselor).get(f"/sessions/{reviewed.pk}/").content.decode()
    assert "Well asked." in page
    assert "Add a comment" not in page


@pytest.mark.parametrize("person", ["counselor", "trainer", "evaluator"])
def test_others_read_and_say_nothing(request, reviewed, person):
    answer = say(request.getfixturevalue(person), reviewed)

    assert (answer.status_code, Comment.objects.count()) == (403, 0)


@pytest.mark.parametrize(
    ("at", "text", "complaint"),
    [
        ("1:01", "x", "The recording is shorter than that."),
        ("soon", "x", "Write the moment as minutes and seconds"),
        ("0:01", "  ", "This field is required."),
        ("0:01", "x" * 2001, "at most 2000 characters"),
    ],
)
def test_what_cannot_be_said_is_named_and_kept(reviewed, supervisor, at, text, complaint):
    whole = say(supervisor, reviewed, at, text)
    part = say(supervisor, reviewed, at, text, **{"HX-Request": "true"})

    assert (whole.status_code, part.status_code, Comment.objects.count()) == (400, 200, 0)
    for answer in (whole, part):
        assert complaint in answer.content.decode()
        assert at in answer.content.decode()
    assert "<h1>" not in part.content.decode()


def test_what_is_said_is_text_and_nothing_else(reviewed, supervisor):
    say(supervisor, reviewed, text="<script>alert(1)</script>")

    page = client_of(supervisor).get(f"/sessions/{reviewed.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_only_the_author_takes_it_back(reviewed, supervisor, admin):
    say(supervisor, reviewed)
    path = f"/sessions/{reviewed.pk}/comments/{Comment.objects.get().pk}/delete/"

    assert client_of(admin).post(path).status_code == 404
    assert Comment.objects.count() == 1
    assert client_of(supervisor).post(path).status_code == 302
    assert Comment.objects.count() == 0


def test_a_comment_belongs_to_its_session(reviewed, supervisor, colleague):
    say(supervisor, reviewed)
    other = Session.objects.create(
        organization=reviewed.organization, counselor=colleague, kind="free_practice", mode="phone",
        status="completed", ended_at=timezone.now(),
    )  # fmt: skip

    path = f"/sessions/{other.pk}/comments/{Comment.objects.get().pk}/delete/"
    assert client_of(supervisor).post(path).status_code == 404


def test_nothing_is_said_to_a_recording_that_is_not_there(call, supervisor):
    end_session(call, EndReason.HUNG_UP)

    assert say(supervisor, call).status_code == 403


def test_the_recording_that_is_ready_brings_the_form_with_it(reviewed, supervisor, counselor):
    path = f"/sessions/{reviewed.pk}/recording/"

    theirs, own = (client_of(person).get(path).content.decode() for person in (supervisor, counselor))

    assert ('hx-swap-oob="true"' in theirs, "Add a comment" in theirs) == (True, True)
    assert ('hx-swap-oob="true"' in own, "Add a comment" in own) == (True, False)


@pytest.mark.parametrize(("reason", "words"), [("retention", "kept as long as"), ("request", "asked for it")])
def test_a_deleted_recording_says_so_and_why(reviewed, counselor, reason, words):
    recording = Recording.objects.get()
    Recording.objects.update(state="deleted", file="", peaks=[])
    RecordingDeletion.objects.create(recording=recording, organization=recording.organization, reason=reason)

    page = client_of(counselor).get(f"/sessions/{reviewed.pk}/").content.decode()
    assert ("The recording was deleted on" in page, words in page, "<audio" in page) == (True, True, False)


def test_who_waits_long_for_a_recording_is_told_that_nothing_is_lost(reviewed, counselor):
    Recording.objects.update(state="recording", file="")
    path = f"/sessions/{reviewed.pk}/recording/"
    soon = client_of(counselor).get(path).content.decode()
    Session.objects.update(ended_at=timezone.now() - timedelta(minutes=3))
    late = client_of(counselor).get(path).content.decode()

    assert ("is being prepared" in soon, "every 2s" in soon) == (True, True)
    assert ("takes longer than usual" in late, "every 30s" in late) == (True, True)


def test_a_recording_that_is_made_anew_is_not_taken_from_who_listens(reviewed, counselor):
    Recording.objects.update(state="recording")

    page = client_of(counselor).get(f"/sessions/{reviewed.pk}/").content.decode()

    assert ("arrived late" in page, "<audio" in page, f"/sessions/{reviewed.pk}/recording/" in page) == (
        True,
        True,
        False,
    )
