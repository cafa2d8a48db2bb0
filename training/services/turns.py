from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from training.models import INAUDIBLE, Session, TranscriptTurn
from training.services.refusals import SessionRefused

MOST_MESSAGES = 100  # in one chat, of both
# What a gateway says of a turn; the rest is the row's own.
TOLD = (
    "after",
    "role",
    "text_generated",
    "text_heard",
    "epoch",
    "start_ms",
    "end_ms",
    "source",
    "is_interrupted",
    "is_final",
    "revision",
)
WHICH = ("session_id", "item", "revision")
LOCKED = ("pk", "organization_id", "revision")


def record_turn(session_id: UUID, item: str, revision: int, **fields: object) -> bool:
    """Save a turn as the gateway knows it, once or again. False when a later state of it is already saved."""
    return bool(record_turns({session_id: [TranscriptTurn(item=item, revision=revision, **fields)]}))


@transaction.atomic
def record_turns(said: Mapping[UUID, Sequence[TranscriptTurn]]) -> int:
    """Save turns of some sessions, all or none, each once or again. Return how many were news.

    As many queries for many sessions as for one. Raises Session.DoesNotExist.
    """
    # The row of a session is the lock: two gateways may both have something to say about a turn.
    sessions = {session.pk: session for session in Session.objects.filter(pk__in=said).locked().only(*LOCKED)}
    if len(sessions) < len(said):
        raise Session.DoesNotExist("A session of these turns is gone.")
    items = {turn.item for turns in said.values() for turn in turns}
    known = TranscriptTurn.objects.filter(session_id__in=said, item__in=items)
    revisions = {(session, item): revision for session, item, revision in known.values_list(*WHICH)}
    news: list[TranscriptTurn] = []
    for session_id, turns in said.items():
        session = sessions[session_id]
        session.revision = max(session.revision, *(turn.revision for turn in turns))
        for turn in turns:
            if turn.revision > revisions.get((session_id, turn.item), -1):
                turn.session_id, turn.organization_id = session_id, session.organization_id
                news.append(turn)
    Session.objects.bulk_update(sessions.values(), ["revision"])
    TranscriptTurn.objects.bulk_create(
        news, update_conflicts=True, unique_fields=["session", "item"], update_fields=list(TOLD)
    )
    return len(news)


@transaction.atomic
def settle_turns(session: Session) -> None:
    """Close the turns that a vanished gateway left open: what was heard of them stands."""
    for turn in session.turns.filter(is_final=False).order_by("revision"):
        session.revision += 1
        lost_words = turn.is_by_counselor and not turn.text_heard
        TranscriptTurn.objects.filter(pk=turn.pk).update(
            is_final=True,
            is_interrupted=not turn.is_by_counselor,
            text_heard=INAUDIBLE if lost_words else turn.text_heard,
            revision=session.revision,
        )
    Session.objects.filter(pk=session.pk, revision__lt=session.revision).update(revision=session.revision)


@transaction.atomic
def write_turn(session: Session, role: str, text: str, item: str = "") -> TranscriptTurn:
    """Add a typed turn at the end of a live chat. Raises SessionRefused when the chat is over."""
    alive = Session.objects.live().filter(pk=session.pk).update(revision=F("revision") + 1, heartbeat_at=timezone.now())
    if not alive:
        raise SessionRefused("session_over", "This session is over.", session.pk)
    session.refresh_from_db(fields=["revision", "heartbeat_at"])
    turns = session.transcript()
    return TranscriptTurn.objects.create(
        session=session,
        organization_id=session.organization_id,
        role=role,
        text_generated=text,
        text_heard=text,
        item=item or f"item_{uuid4().hex}",
        after=turns[-1].item if turns else "",
        source=TranscriptTurn.Source.TYPED,
        revision=session.revision,
    )


@transaction.atomic
def write_answer(session: Session, question: TranscriptTurn, text: str) -> TranscriptTurn:
    """The caller's answer to a turn, once: a message that was sent twice has been answered by whoever was first."""
    Session.objects.select_for_update().get(pk=session.pk)
    item = f"reply_{question.pk.hex}"
    answered = session.turns.filter(item=item).first()
    return answered or write_turn(session, TranscriptTurn.Role.CALLER, text, item)


@transaction.atomic
def write_message(session: Session, content: str) -> TranscriptTurn:
    """The counselor's message as a turn. The same words again while unanswered are a second try, not a second turn."""
    # The lock lets a double click see its first half (SQLite's IMMEDIATE does the same).
    session = Session.objects.select_for_update().get(pk=session.pk)
    turns = session.transcript()
    if turns and turns[-1].is_by_counselor and turns[-1].text_heard == content and session.is_live:
        return turns[-1]
    # With the answer to this one.
    if len(turns) + 2 > MOST_MESSAGES:
        raise SessionRefused(
            "too_many_messages",
            f"A chat has at most {MOST_MESSAGES} messages, and this one has them. End it to get your feedback.",
            session.pk,
        )
    return write_turn(session, TranscriptTurn.Role.COUNSELOR, content)
