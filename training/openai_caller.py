"""The caller's instructions, opening lines, and chat replies. No other module of this app imports `openai`."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from openai.types.responses import EasyInputMessageParam

from ai import AIUnavailableError, build_async_client, build_client, create_answer, stream_answer
from scenarios.models.visitor_survey import format_survey_for_prompt
from training.models import Session, TranscriptTurn, heard_turns

Event = TypeVar("Event")

PROMPTS = Path(__file__).parent / "prompts"
# Each file name includes a version. To change a prompt, add a new file.
CALLER_RULES = {mode: (PROMPTS / f"caller_{mode}.v1.txt").read_text() for mode in ("phone", "chat")}
FREE_PRACTICE_PROMPT = (PROMPTS / "free_practice.v1.txt").read_text()
SURVEY_INTRO = "Before the chat you filled in a form, which the counselor has read. What you say agrees with it:\n"
FREE_PRACTICE_WISHES = (PROMPTS / "free_practice_wishes.v1.txt").read_text()
WARM_UP_PROMPT = (PROMPTS / "warm_up.v1.txt").read_text()
OPENING_PROMPT = (PROMPTS / "opening.v1.txt").read_text()

_OPENING_TIMEOUT = 12.0  # seconds
_REPLY_TIMEOUT = 30.0  # seconds without the next piece of the reply
_REPLY_DEADLINE = 90.0  # seconds for the whole reply
_MAX_OPENING_TOKENS = 200
# Includes a reasoning model's hidden tokens. A lower limit could leave none for the reply.
_MAX_REPLY_TOKENS = 2000


def caller_instructions(session: Session) -> str:
    """Return the caller's complete instructions: the fixed rules and the prompt of the scenario or free practice.

    A warm-up has instructions of its own.
    """
    if session.is_warm_up:
        return WARM_UP_PROMPT
    parts = [session.scenario_version.prompt if session.scenario_version else FREE_PRACTICE_PROMPT]
    survey = format_survey_for_prompt(session.scenario_version.visitor_survey) if session.scenario_version else []
    if survey and not session.is_phone:
        parts.append(SURVEY_INTRO + "\n".join(f"- {question}: {answer}" for question, answer in survey))
    if session.kind == Session.Kind.FREE_PRACTICE:
        parts.append(FREE_PRACTICE_WISHES)
    if session.focus:
        parts.append(f"The counselor would like to practise this: {session.focus}")
    return f"{CALLER_RULES[session.mode]}\n# Who you are\n" + "\n".join(parts)


def generate_opening(session: Session) -> str:
    """Return the caller's first line. Raise AIUnavailableError on failure."""
    # One retry: a person is waiting, and the fallback is better than a third attempt.
    with build_client(timeout=_OPENING_TIMEOUT, max_retries=1) as client:
        answer = create_answer(
            client,
            model=settings.CHAT_MODEL,
            instructions=caller_instructions(session),
            input=[{"role": "user", "content": OPENING_PROMPT}],
            max_output_tokens=_MAX_OPENING_TOKENS,
            store=False,
        )
    if answer.is_refusal or answer.status == "failed":
        raise AIUnavailableError("refused", retryable=True)
    if answer.status == "incomplete":  # half a line, or thinking that was not marked
        raise AIUnavailableError("cut_off", retryable=True)
    line = answer.text.replace("\0", "").strip()
    if not line:
        raise AIUnavailableError("empty_answer", retryable=True)
    return line


def _input_messages(turns: list[TranscriptTurn]) -> list[EasyInputMessageParam]:
    """Return the turns as input for the model, which plays the caller as `assistant`."""
    return [
        {"role": "user" if turn.is_by_counselor else "assistant", "content": turn.text_heard}
        for turn in heard_turns(turns)
    ]


async def _until_deadline(stream: AsyncIterator[Event], seconds: float) -> AsyncIterator[Event]:
    """Yield events for up to `seconds` in total, and then raise AIUnavailableError."""
    ends_at = time.monotonic() + seconds
    while True:
        try:
            async with asyncio.timeout(ends_at - time.monotonic()):
                event = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise AIUnavailableError("timeout", retryable=True) from None
        yield event


async def stream_reply(instructions: str, turns: list[TranscriptTurn]) -> AsyncIterator[str]:
    """Yield the caller's reply to the chat so far, piece by piece. Raise AIUnavailableError on failure."""
    async with build_async_client(timeout=_REPLY_TIMEOUT) as client:
        pieces = stream_answer(
            client,
            model=settings.CHAT_MODEL,
            instructions=instructions,
            input=list(_input_messages(turns)),
            max_output_tokens=_MAX_REPLY_TOKENS,
            store=False,
        )
        async with aclosing(pieces):
            async for piece in _until_deadline(pieces, _REPLY_DEADLINE):
                yield piece
