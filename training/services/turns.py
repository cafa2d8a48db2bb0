"""Turns of calls and chats."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.services.rate_limits import UsageKind, spend
from training.models import Session, TranscriptTurn
from training.services.errors import SessionRefusedError
from training.transcript import INAUDIBLE_TEXT, SNAPSHOT_FIELDS, SpeakerRole, TurnSnapshot, TurnSource

MAX_CHAT_MESSAGES = 100  # messages per chat, both sides together
# Fields of a saved turn that a later report replaces: all but its identity.
REPLACED_FIELDS = ["epoch", *(name for name in SNAPSHOT_FIELDS if name != "item")]
REVISION_KEY_FIELDS = ("session_id", "item", "revision")
LOCKED_FIELDS = ("pk", "organization_id", "revision")


@transaction.atomic
def record_turns(turns_by_session: Mapping[UUID, Sequence[TranscriptTurn]]) -> int:
    """Save turns as the gateway reports them, all or none. Return the number of those that were new or changed.

    Skip a turn if the same or a later revision of it is already saved. The number of queries does not grow with the
    number of sessions. Raise Session.DoesNotExist if a session is gone.
    """
    # The session's row is the lock: two gateways may report the same turn.
    rows = Session.objects.filter(pk__in=turns_by_session).locked().only(*LOCKED_FIELDS)
    sessions = {session.pk: session for session in rows}
    if len(sessions) < len(turns_by_session):
        raise Session.DoesNotExist("At least one turn belongs to a session that no longer exists.")
    items = {turn.item for turns in turns_by_session.values() for turn in turns}
    known = TranscriptTurn.objects.filter(session_id__in=turns_by_session, item__in=items)
    revisions = {(session, item): revision for session, item, revision in known.values_list(*REVISION_KEY_FIELDS)}
    changed: list[TranscriptTurn] = []
    for session_id, turns in turns_by_session.items():
        session = sessions[session_id]
        session.revision = max(session.revision, *(turn.revision for turn in turns))
        for turn in turns:
            if turn.revision > revisions.get((session_id, turn.item), -1):
                turn.session_id, turn.organization_id = session_id, session.organization_id
                changed.append(turn)
    _save_revisions(sessions.values())
    TranscriptTurn.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["session", "item"], update_fields=REPLACED_FIELDS
    )
    return len(changed)


def _save_revisions(sessions: Iterable[Session]) -> None:
    """Save the revisions of sessions. `bulk_update` builds a CASE for each row, which costs more than the update."""
    key = Session._meta.pk
    rows = [(session.revision, key.get_db_prep_value(session.pk, connection)) for session in sessions]
    table = connection.ops.quote_name(Session._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET revision = %s WHERE id = %s", rows)


@transaction.atomic
def close_open_turns(session: Session) -> None:
    """Close the turns that a lost gateway left open. Text heard so far is kept."""
    for turn in session.turns.filter(is_final=False).order_by("revision"):
        session.revision += 1
        lost_words = turn.is_by_counselor and not turn.text_heard
        TranscriptTurn.objects.filter(pk=turn.pk).update(
            is_final=True,
            is_interrupted=not turn.is_by_counselor,
            text_heard=INAUDIBLE_TEXT if lost_words else turn.text_heard,
            revision=session.revision,
        )
    Session.objects.filter(pk=session.pk, revision__lt=session.revision).update(revision=session.revision)


@transaction.atomic
def write_turn(session: Session, role: str, text: str, item: str = "") -> TranscriptTurn:
    """Append a typed turn to a live chat. Raise SessionRefusedError if the chat is over."""
    live = Session.objects.live().filter(pk=session.pk)
    if not live.update(revision=F("revision") + 1, heartbeat_at=timezone.now()):
        raise SessionRefusedError("session_over", _("This session has ended."), session.pk)
    session.refresh_from_db(fields=["revision", "heartbeat_at"])
    turns = session.transcript()
    row = TranscriptTurn.from_snapshot(
        TurnSnapshot(
            revision=session.revision,
            item=item or f"item_{uuid4().hex}",
            after=turns[-1].item if turns else None,
            role=SpeakerRole(role),
            text_generated=text,
            text_heard=text,
            is_final=True,
            start_ms=None,
            end_ms=None,
            source=TurnSource.TYPED,
        )
    )
    row.session, row.organization_id = session, session.organization_id
    row.save(force_insert=True)
    return row


@transaction.atomic
def write_answer(session: Session, question: TranscriptTurn, text: str) -> TranscriptTurn:
    """Save the caller's answer to a turn, once. If a concurrent request has saved one, return that."""
    Session.objects.select_for_update().get(pk=session.pk)
    item = f"reply_{question.pk.hex}"
    answered = session.turns.filter(item=item).first()
    return answered or write_turn(session, TranscriptTurn.Role.CALLER, text, item)


@transaction.atomic
def write_message(session: Session, content: str) -> TranscriptTurn:
    """Save the counselor's message as a turn. Raise SessionRefusedError if the chat is over or full.

    If the same text is sent again before the answer, treat it as a retry and return the existing turn. A retry
    requests another reply, so it also counts toward the rate limit. Raise RateLimitExceededError, and save nothing,
    above the limit.
    """
    # The lock lets the second request of a double click see the first one. SQLite's IMMEDIATE does the same.
    session = Session.objects.select_for_update(of=["self"]).select_related("counselor").get(pk=session.pk)
    spend(UsageKind.MESSAGES, session.counselor)
    turns = session.transcript()
    if turns and turns[-1].is_by_counselor and turns[-1].text_heard == content and session.is_live:
        return turns[-1]
    # Count this message and its answer.
    if len(turns) + 2 > MAX_CHAT_MESSAGES:
        raise SessionRefusedError(
            "too_many_messages",
            _("This chat has reached its limit of %(limit)s messages. End it to get your feedback.")
            % {"limit": MAX_CHAT_MESSAGES},
            session.pk,
        )
    return write_turn(session, TranscriptTurn.Role.COUNSELOR, content)
