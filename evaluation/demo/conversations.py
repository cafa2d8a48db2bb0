"""Past conversations of the demo: recorded in `fixtures/demo/history.json` and replayed through the services."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from accounts.models import User
from evaluation.demo.accounts import FOLDER
from evaluation.demo.audio import SpokenTurn, record_audio
from evaluation.demo.voices import voice_of
from evaluation.models import Evaluation
from recordings.models import Recording, RecordingEpoch
from scenarios.models import Scenario
from training.models import Assignment, EndReason, Session, TranscriptTurn
from training.services.session_start import start_assignment, start_free_practice
from training.services.sessions import end_session, stop_session
from training.services.turns import record_turns
from training.transcript import SpeakerRole, TurnSnapshot, TurnSource

_WORD_MS = 380  # length of a spoken word
_RECORDED_PAUSE_MS, _CALL_PAUSE_MS, _CHAT_PAUSE_MS = 900, 4_000, 14_000  # before an answer
_HOURS_OF_PRACTICE = 11  # up to how much earlier in the day people practice
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
    is_recorded: bool = False  # whether the call has audio
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
    started_at = timezone.now() - timedelta(days=row.days_ago, minutes=_minutes_earlier(row))
    if row.is_assignment:
        assignment = Assignment.objects.get(counselor=counselor, scenario=scenario)
        Assignment.objects.filter(pk=assignment.pk).update(created_at=started_at - _ASSIGNED_BEFORE)
        session, _is_new = start_assignment(assignment)
    else:
        session, _is_new = start_free_practice(counselor, scenario.mode, scenario)
    Session.objects.filter(pk=session.pk).update(
        greeting=row.turns[0][1], greeting_status=Session.Greeting.READY, started_at=started_at
    )
    times = list(_plan_turns(row, session.is_phone))
    _record(session, row.turns, times, started_at)
    if row.is_recorded:
        record_audio(session, [(turn, start) for turn, (start, _end) in zip(_spoken(row), times, strict=True)])
    if row.is_stopped:
        stop_session(session)
    else:
        end_session(session, EndReason.HUNG_UP if session.is_phone else EndReason.FEEDBACK)
    _backdate(session, started_at, started_at + timedelta(milliseconds=times[-1][1]))
    return session


def _spoken(row: RecordedConversation) -> list[SpokenTurn]:
    return [SpokenTurn(role, voice_of(row.scenario, row.counselor, role), text) for role, text in row.turns]


def _minutes_earlier(row: RecordedConversation) -> int:
    """Return a time of day that is always the same for the same conversation."""
    return crc32(f"{row.counselor} {row.days_ago}".encode()) % (_HOURS_OF_PRACTICE * 60)


def _plan_turns(row: RecordedConversation, is_phone: bool) -> Iterator[tuple[int, int]]:
    """Yield start and end of each turn in milliseconds. Recorded turns are as long as their audio."""
    spoken = _spoken(row) if row.is_recorded else []
    pause = _RECORDED_PAUSE_MS if spoken else _CALL_PAUSE_MS if is_phone else _CHAT_PAUSE_MS
    clock = 0
    for index, (_role, text) in enumerate(row.turns):
        length = spoken[index].length_ms if spoken else _WORD_MS * len(text.split())
        start, clock = clock + pause, clock + pause + length
        yield start, clock


def _record(
    session: Session, turns: Sequence[tuple[SpeakerRole, str]], times: Sequence[tuple[int, int]], started_at: datetime
) -> None:
    """Save the turns."""
    rows: list[TranscriptTurn] = []
    for number, ((role, text), (start, end)) in enumerate(zip(turns, times, strict=True), 1):
        snapshot = TurnSnapshot(
            revision=number,
            item=f"item_{number}",
            after=f"item_{number - 1}" if number > 1 else None,
            role=role,
            text_generated=text,
            text_heard=text,
            is_final=True,
            start_ms=start if session.is_phone else None,
            end_ms=end if session.is_phone else None,
            source=TurnSource.SPOKEN if session.is_phone else TurnSource.TYPED,
        )
        rows.append(TranscriptTurn.from_snapshot(snapshot))
    record_turns({session.pk: rows})
    for row, (_start, end) in zip(rows, times, strict=True):
        row.created_at = started_at + timedelta(milliseconds=end)
    TranscriptTurn.objects.bulk_update(rows, ["created_at"])


def _backdate(session: Session, started_at: datetime, ended_at: datetime) -> None:
    dates = {"started_at": started_at, "ended_at": ended_at, "heartbeat_at": ended_at}
    Session.objects.filter(pk=session.pk).update(**dates)
    Evaluation.objects.filter(session=session).update(created_at=ended_at)
    Recording.objects.filter(session=session).update(created_at=started_at)
    RecordingEpoch.objects.filter(recording__session=session).update(started_at=started_at, seen_at=ended_at)
    session.refresh_from_db()
