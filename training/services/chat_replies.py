"""Chat messages and their replies, with one implementation for streamed and complete replies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async

from accounts.services.database_connections import release_connection
from accounts.services.request_turns import end_turn
from ai import AIUnavailableError
from training import openai_caller
from training.models import Session, TranscriptTurn
from training.services.turns import write_answer, write_message


@dataclass(frozen=True)
class PendingReply:
    """A counselor's stored turn and everything that the caller needs to answer it."""

    session: Session
    turn: TranscriptTurn
    history: list[TranscriptTurn]  # in spoken order, `turn` included
    instructions: str


def submit_message(session: Session, content: str) -> PendingReply:
    """Store the counselor's message. Raise SessionRefusedError if the chat is over or full."""
    turn = write_message(session, content)
    pending = PendingReply(session, turn, session.transcript(), openai_caller.caller_instructions(session))
    # The reply may take a minute.
    release_connection()
    end_turn()
    return pending


async def stream_answer(pending: PendingReply) -> AsyncIterator[str | TranscriptTurn]:
    """Yield the pieces of the reply as they are written, then the caller's stored turn.

    Raise AIUnavailableError if there is no reply. The counselor's turn is kept; sending the same words again retries.
    """
    pieces: list[str] = []
    async for piece in openai_caller.stream_reply(pending.instructions, pending.history):
        pieces.append(piece)
        yield piece
    text = "".join(pieces).replace("\0", "").strip()
    if not text:
        raise AIUnavailableError("empty_answer", retryable=True)
    yield await sync_to_async(write_answer)(pending.session, pending.turn, text)


async def complete_answer(pending: PendingReply) -> TranscriptTurn:
    """Wait for the reply and return the caller's stored turn. Raise AIUnavailableError on failure."""
    turns = [part async for part in stream_answer(pending) if isinstance(part, TranscriptTurn)]
    return turns[-1]
