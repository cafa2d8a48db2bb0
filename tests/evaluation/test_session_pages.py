import html
import re

import pytest

from evaluation.reports.team import export_rows
from scenarios.models import Scenario
from tests.support.fixtures import client_of
from training.models import EndReason, Session
from training.services.session_start import start_assignment
from training.services.sessions import end_session


def test_stopped_session_is_not_graded_or_counted_as_attempt(counselor, chat, chat_assignment):
    client = client_of(counselor)

    page = client.post(f"/sessions/{chat.pk}/stop/", follow=True).content.decode()

    chat.refresh_from_db()
    chat_assignment.refresh_from_db()
    assert (chat.end_reason, chat.is_gradable, chat.evaluations.count()) == ("stopped", False, 0)
    assert chat_assignment.status == "in_progress"
    assert "It’s always OK to stop." in page
    rejected = client.post(f"/api/sessions/{chat.pk}/evaluation/")
    assert (rejected.status_code, rejected.json()["code"], chat.evaluations.count()) == (409, "stopped", 0)
    assert start_assignment(chat_assignment)[1] is True


def test_stopped_session_is_no_attempt_on_pages_in_the_api_and_in_the_export(
    supervisor, counselor, chat, chat_assignment
):
    client, staff = client_of(counselor), client_of(supervisor)
    client.post(f"/sessions/{chat.pk}/stop/")
    following, _ = start_assignment(chat_assignment)

    listed = client.get(f"/api/sessions/?assignment={chat_assignment.pk}").json()["results"]
    header, *exported = export_rows(supervisor, None, 1)
    assignment_page = staff.get(f"/assignments/{chat_assignment.pk}/").content.decode()

    assert {row["id"]: row["attempt"] for row in listed} == {str(chat.pk): None, str(following.pk): 1}
    assert "attempt 2" not in client.get(f"/sessions/{following.pk}/").content.decode()
    assert [row[header.index("attempt")] for row in exported] == [1, ""]
    assert assignment_page.count("Stopped conversation") == assignment_page.count("Not counted") == 1
    assert "Attempt 1" in assignment_page and "Attempt 2" not in assignment_page


@pytest.mark.parametrize("reason", EndReason.values)
def test_explanation_of_the_end_speaks_to_its_reader(counselor, supervisor, chat, reason):
    end_session(chat, EndReason(reason))

    own, theirs = (client_of(one).get(f"/sessions/{chat.pk}/").content.decode() for one in (counselor, supervisor))

    explanation = html.escape(EndReason(reason).explanation_for_counselor)
    assert explanation in own and not re.search(r"\bcounselor", explanation, re.IGNORECASE)
    assert html.escape(EndReason(reason).explanation) in theirs


def test_stopped_session_says_you_to_its_counselor_only(counselor, supervisor, chat):
    client_of(counselor).post(f"/sessions/{chat.pk}/stop/")

    own, theirs = (client_of(one).get(f"/sessions/{chat.pk}/").content.decode() for one in (counselor, supervisor))

    assert "You stopped this session, which is always OK." in own and "Stopped by you" in own
    assert "The counselor stopped this session" not in own and "Stopped by the counselor" not in own
    assert "The counselor stopped this session, which is always OK." in theirs and "Stopped by the counselor" in theirs
    assert "You stopped" not in theirs and "Stopped by you" not in theirs


def test_stopping_after_the_end_says_so_and_keeps_the_feedback(counselor, finished_chat):
    page = client_of(counselor).post(f"/sessions/{finished_chat.pk}/stop/", follow=True).content.decode()

    finished_chat.refresh_from_db()
    assert "This session had already ended, so it wasn’t stopped." in page
    assert (finished_chat.was_stopped, finished_chat.attempt, finished_chat.is_gradable) == (False, 1, True)
    assert finished_chat.evaluations.count() == 1


def test_hard_session_shows_support_contacts(organization, counselor, finished_chat):
    organization.support_contacts = "Night desk: extension 12"
    organization.save()
    client, page = client_of(counselor), f"/sessions/{finished_chat.pk}/"
    before = client.get(page).content.decode()

    client.post(f"{page}feeling/", {"feeling": "1", "note": "It stays with me."})

    after = client.get(page).content.decode()
    assert "Night desk" not in before
    assert "Night desk: extension 12" in after and "Your answer: Very hard" in after


def test_feeling_is_shown_to_supervisor(supervisor, counselor, finished_chat):
    client_of(counselor).post(f"/sessions/{finished_chat.pk}/feeling/", {"feeling": "2", "note": "Too close."})

    page = client_of(supervisor).get(f"/sessions/{finished_chat.pk}/").content.decode()

    assert "Hard." in page and "Too close." in page


def test_content_notes_are_shown_with_decline_button(counselor, chat_assignment):
    Scenario.objects.update(content_notes="The death of a child")
    client = client_of(counselor)

    page = client.get(f"/training/chat/{chat_assignment.pk}/").content.decode()

    assert "The death of a child" in page
    assert f'action="/assignments/{chat_assignment.pk}/decline/"' in page
    assert "The death of a child" in client.get("/").content.decode()


@pytest.mark.parametrize("data", [{}, {"feeling": "6"}, {"feeling": "x"}, {"feeling": "1", "note": "x" * 1001}])
def test_feeling_outside_scale_is_rejected(counselor, finished_chat, data):
    client_of(counselor).post(f"/sessions/{finished_chat.pk}/feeling/", data)

    assert Session.objects.get(pk=finished_chat.pk).feeling is None


def test_session_is_renamed_searched_and_exported(counselor, supervisor, finished_chat):
    client = client_of(counselor)

    client.post(f"/sessions/{finished_chat.pk}/name/", {"name": "The long night"})

    assert "The long night" in client.get("/sessions/?q=long+night").content.decode()
    text = client.get(f"/sessions/{finished_chat.pk}/transcript.txt").content.decode()
    data = client.get(f"/sessions/{finished_chat.pk}/transcript.json").json()
    assert text.splitlines()[0] == "The long night"
    assert text.splitlines()[3] == "Caller: hi. is this a real person?"
    assert [turn["role"] for turn in data["transcript"]] == ["caller", "counselor", "caller", "counselor"]
    assert counselor.email not in text + str(data)
