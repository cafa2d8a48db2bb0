"""A chat message and its answer, written once whether it is streamed or waited for."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async

from ai import AIUnavailable
from training import openai_caller
from training.models import Session, TranscriptTurn
from training.services.turns import write_answer, write_message


@dataclass(frozen=True)
class Question:
    """A counselor's stored turn, and all that the caller needs to answer it."""

    session: Session
    turn: TranscriptTurn
    so_far: list[TranscriptTurn]
    instructions: str


def ask(session: Session, content: str) -> Question:
    """Store the counselor's message. Raises SessionRefused when the chat is over."""
    turn = write_message(session, content)
    return Question(session, turn, session.transcript(), openai_caller.caller_instructions(session))


async def answer(question: Question) -> AsyncIterator[str | TranscriptTurn]:
    """Yield the answer's pieces as they are written, then the caller's stored turn.

    Raises AIUnavailable when none came: the counselor's turn is kept, and the same words sent again ask once more.
    """
    pieces: list[str] = []
    async for piece in openai_caller.stream_reply(question.instructions, question.so_far):
        pieces.append(piece)
        yield piece
    text = "".join(pieces).replace("\0", "").strip()
    if not text:
        raise AIUnavailable("empty_answer", retryable=True)
    yield await sync_to_async(write_answer)(question.session, question.turn, text)


async def whole_answer(question: Question) -> TranscriptTurn:
    """The caller's stored turn, waited for."""
    turns = [part async for part in answer(question) if isinstance(part, TranscriptTurn)]
    return turns[-1]
