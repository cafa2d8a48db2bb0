"""Past conversations of the demo: recorded in `fixtures/demo/history.json` and replayed through the services."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from accounts.models import User
from evaluation.demo.accounts import FOLDER
from evaluation.models import Evaluation
from scenarios.models import Scenario
from training.models import Assignment, EndReason, Session, TranscriptTurn
from training.services.session_start import start_assignment, start_free_practice
from training.services.sessions import end_session, stop_session
from training.services.turns import record_turns
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource

_WORD_MS, _PAUSE_MS = 380, 900  # length of a spoken word, and of the pause before an answer
_ASSIGNED_BEFORE = timedelta(days=5)  # from an assignment to its first session


class RecordedReview(BaseModel):
    """One person's reviews of a conversation's feedback."""

    model_config = ConfigDict(extra="forbid")

    by: str  # email
    agree: list[str]  # keys of checks
    overrule: dict[str, tuple[str, str]]  # key of a check: new verdict and reason


class RecordedConversation(BaseModel):
    """A conversation with the grader's answer to it. A stopped one has no answer."""

    model_config = ConfigDict(extra="forbid")

    counselor: str  # email
    scenario: str  # title
    days_ago: int
    turns: list[tuple[SpeakerRole, str]]
    is_assignment: bool = False
    is_stopped: bool = False
    without_procedures: str = ""  # a WithoutProcedures
    met: dict[str, tuple[str, str]] = {}  # key of a check: the words that meet it, or none, and the reason
    not_met: dict[str, str] = {}  # key of a check: reason
    citations: dict[str, str] = {}  # key of a check: section of the main account's procedures
    rationale: str = ""
    went_well: list[dict[str, str]] = []
    improvements: list[dict[str, str]] = []
    learning_objective: str = ""
    reflection_questions: list[str] = []
    reviews: list[RecordedReview] = []


def read_conversations() -> list[RecordedConversation]:
    """Return the conversations, oldest first."""
    rows = json.loads((FOLDER / "history.json").read_text())
    return [RecordedConversation.model_validate(row) for row in rows]


def play_conversation(
    row: RecordedConversation, people: Mapping[str, User], scenarios: Mapping[str, Scenario]
) -> Session:
    """Start, hold, and end a conversation, backdated by `days_ago` days. Ending it queues its evaluation."""
    counselor, scenario = people[row.counselor], scenarios[row.scenario]
    started_at = timezone.now() - timedelta(days=row.days_ago)
    if row.is_assignment:
        assignment = Assignment.objects.get(counselor=counselor, scenario=scenario)
        Assignment.objects.filter(pk=assignment.pk).update(created_at=started_at - _ASSIGNED_BEFORE)
        session, _is_new = start_assignment(assignment)
    else:
        session, _is_new = start_free_practice(counselor, scenario.mode, scenario)
    Session.objects.filter(pk=session.pk).update(
        greeting=row.turns[0][1], greeting_status=Session.Greeting.READY, started_at=started_at
    )
    length = _record(session, row.turns, started_at)
    if row.is_stopped:
        stop_session(session)
    else:
        end_session(session, EndReason.HUNG_UP if session.is_phone else EndReason.FEEDBACK)
    _backdate(session, started_at, started_at + length)
    return session


def _record(session: Session, turns: Sequence[tuple[SpeakerRole, str]], started_at: datetime) -> timedelta:
    """Save the turns, and return how long they took."""
    rows: list[TranscriptTurn] = []
    clock = 0
    for number, (role, text) in enumerate(turns, 1):
        start, clock = clock + _PAUSE_MS, clock + _PAUSE_MS + _WORD_MS * len(text.split())
        snapshot = TurnSnapshot(
            revision=number,
            item=f"item_{number}",
            after=f"item_{number - 1}" if number > 1 else None,
            role=role,
            text_generated=text,
            text_heard=text,
            is_final=True,
            start_ms=start if session.is_phone else None,
            end_ms=clock if session.is_phone else None,
            source=TurnSource.SPOKEN if session.is_phone else TurnSource.TYPED,
        )
        rows.append(TranscriptTurn.from_snapshot(snapshot))
    record_turns({session.pk: rows})
    for row in rows:
        row.created_at = started_at + timedelta(milliseconds=row.end_ms or row.revision * clock // len(rows))
    TranscriptTurn.objects.bulk_update(rows, ["created_at"])
    return timedelta(milliseconds=clock)


def _backdate(session: Session, started_at: datetime, ended_at: datetime) -> None:
    dates = {"started_at": started_at, "ended_at": ended_at, "heartbeat_at": ended_at}
    Session.objects.filter(pk=session.pk).update(**dates)
    Evaluation.objects.filter(session=session).update(created_at=ended_at)
    session.refresh_from_db()
