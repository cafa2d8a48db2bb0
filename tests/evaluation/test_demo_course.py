"""Eight weeks of practice in the demo."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from evaluation.demo.conversations import RecordedConversation, read_conversations
from evaluation.demo.dates import move_history
from evaluation.demo.scripts import read_course, write_conversations
from evaluation.demo.voices import VOICES, line_name, voice_of
from evaluation.grading.rubric import general_checks
from evaluation.models import CriterionResult, Dispute, Evaluation, Tally
from recordings.models import Recording
from tests.evaluation.graded_sessions import add_graded_session
from tests.recordings.recording_factory import use_storage
from tests.support.fixtures import *  # noqa: F403
from training.models import Assignment, Session
from training.transcript import SpeakerRole

CONVERSATIONS = [conversation for conversation, _practice in write_conversations(read_course())]


def scores_of(email: str) -> list[int]:
    rows = Evaluation.objects.graded().filter(session__counselor__email=email).order_by("session__started_at")
    return [row.final_score for row in rows]


@pytest.mark.parametrize("row", CONVERSATIONS, ids=lambda row: f"{row.counselor.split('@')[0]}-{row.days_ago}")
def test_feedback_quotes_what_was_said(row: RecordedConversation):
    said = "\n".join(text for role, text in row.turns if role == SpeakerRole.COUNSELOR)
    quotes = [quote for quote, _reason in row.met.values()]
    quotes += [one["quote"] for one in (*row.went_well, *row.improvements)]
    known = {check.key for check in general_checks()} | {f"scenario_{number}" for number in range(1, 6)}

    assert [quote for quote in quotes if quote not in said] == []
    assert {*row.met, *row.not_met} <= known and not row.met.keys() & row.not_met.keys()
    assert {role for role, _text in row.turns[::2]} == {SpeakerRole.CALLER}
    assert "{name}" not in said and row.rationale and row.learning_objective


def test_every_recorded_line_has_its_audio_and_no_audio_is_left_over():
    recorded = [row for row in [*read_conversations(), *CONVERSATIONS] if row.is_recorded]
    names = {
        line_name(voice_of(row.scenario, row.counselor, role), text) for row in recorded for role, text in row.turns
    }

    assert {path.name for path in VOICES.glob("*.ulaw")} == names


def test_eight_weeks_tell_a_story(db, settings, tmp_path, mailoutbox):
    settings.SPOOL_DIR = tmp_path / "spool"
    use_storage(settings, tmp_path / "files")

    call_command("load_demo", password="a quiet harbor at dawn")

    people = User.objects.filter(organization__name="Harbor Crisis Center")
    oldest = Session.objects.order_by("started_at")[0].started_at
    crossed = Evaluation.objects.crossing_red_line().values_list("session__counselor__first_name", flat=True)
    assert (people.count(), len(people.counselors())) == (14, 10)
    assert timedelta(days=54) <= timezone.now() - oldest <= timedelta(days=56)
    jonah = scores_of("jonah@example.org")
    assert jonah == sorted(jonah) and jonah[0] < 50 and jonah[-1] >= 90
    assert min(scores_of("leila@example.org")) >= 86
    assert sorted(crossed) == ["Eli", "Maya", "Nina"]
    assert not CriterionResult.objects.filter(verdict=CriterionResult.Verdict.NO_EVIDENCE).exists()
    assert (Dispute.objects.filter(answered_at=None).count(), mailoutbox) == (1, [])
    assert {row.state for row in Recording.objects.all()} == {Recording.State.COMPLETED}
    assert Recording.objects.count() == 6
    overdue = Assignment.objects.open().filter(due_date__lt=timezone.localdate())
    assert sorted(row.counselor.first_name for row in overdue) == ["Eli", "Owen"]


def test_history_moves_with_its_dates_and_weeks(counselor, chat_assignment, capsys):
    session = add_graded_session(counselor, 80)
    call_command("count_weeks", stdout=StringIO())
    due, week = timezone.localdate(), Tally.objects.earliest("week").week
    Assignment.objects.filter(pk=chat_assignment.pk).update(due_date=due)
    started_at = session.started_at

    move_history(7)

    session.refresh_from_db()
    chat_assignment.refresh_from_db()
    assert (session.started_at - started_at, chat_assignment.due_date - due) == (timedelta(days=7), timedelta(days=7))
    assert {row.week for row in Tally.objects.all()} == {week + timedelta(days=7)}
    assert capsys.readouterr().out == ""
