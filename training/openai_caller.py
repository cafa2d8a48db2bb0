"""What the caller is given and says in text: opening lines and chat replies. The only module here that knows OpenAI."""

from collections.abc import AsyncIterator
from pathlib import Path

from django.conf import settings
from openai.types.responses import EasyInputMessageParam

from ai import AIUnavailable, build_async_client, build_client, in_our_words
from scenarios.surveys import survey_lines
from training.models import Session, TranscriptTurn, heard_turns

PROMPTS = Path(__file__).parent / "prompts"
# Named after the text's version: a changed text is a new file.
RULES = {mode: (PROMPTS / f"caller_{mode}.v1.txt").read_text() for mode in ("phone", "chat")}
FREE_PRACTICE = (PROMPTS / "free_practice.v1.txt").read_text()
SURVEY = "Before the chat you filled in a form, which the counselor has read. What you say agrees with it:\n"
WISHES = (PROMPTS / "free_practice_wishes.v1.txt").read_text()
OPENING = (PROMPTS / "opening.v1.txt").read_text()

_OPENING_TIMEOUT = 12.0
_REPLY_TIMEOUT = 30.0
_LONGEST_OPENING = 200  # tokens
# Tokens, those that a reasoning model spends unseen included: too few leave nothing to be said.
_LONGEST_REPLY = 2000


def caller_instructions(session: Session) -> str:
    """All a caller is ever told: the standing rules, and the scenario's prompt or what free practice asks for."""
    parts = [session.scenario_version.prompt if session.scenario_version else FREE_PRACTICE]
    survey = survey_lines(session.scenario_version.visitor_survey) if session.scenario_version else []
    if survey and not session.is_phone:
        parts.append(SURVEY + "\n".join(f"- {question}: {answer}" for question, answer in survey))
    if session.kind == Session.Kind.FREE_PRACTICE:
        parts.append(WISHES)
    if session.focus:
        parts.append(f"The counselor would like to practise this: {session.focus}")
    return f"{RULES[session.mode]}\n# Who you are\n" + "\n".join(parts)


def opening_line(session: Session) -> str:
    """The caller's first line. Raises AIUnavailable."""
    with in_our_words(), build_client(timeout=_OPENING_TIMEOUT) as client:
        response = client.responses.create(
            model=settings.CHAT_MODEL,
            instructions=caller_instructions(session),
            input=[{"role": "user", "content": OPENING}],
            max_output_tokens=_LONGEST_OPENING,
            store=False,
        )
    line = response.output_text.replace("\0", "").strip()
    if not line:
        raise AIUnavailable("empty_answer", retryable=True)
    return line


def _as_input(turns: list[TranscriptTurn]) -> list[EasyInputMessageParam]:
    return [
        {"role": "user" if turn.is_by_counselor else "assistant", "content": turn.text_heard}
        for turn in heard_turns(turns)
    ]


async def stream_reply(instructions: str, turns: list[TranscriptTurn]) -> AsyncIterator[str]:
    """The caller's answer to a chat so far, piece by piece as it is written. Raises AIUnavailable."""
    failure: AIUnavailable | None = None
    with in_our_words():
        async with (
            build_async_client(timeout=_REPLY_TIMEOUT) as client,
            await client.responses.create(
                model=settings.CHAT_MODEL,
                instructions=instructions,
                input=list(_as_input(turns)),
                max_output_tokens=_LONGEST_REPLY,
                store=False,
                stream=True,
            ) as stream,
        ):
            async for event in stream:
                if event.type == "response.output_text.delta":
                    yield event.delta
                elif event.type in {"response.failed", "error"}:
                    failure = AIUnavailable("failed", retryable=True)
                elif event.type == "response.refusal.done":
                    failure = AIUnavailable("refused", retryable=True)
    # Only now: a stream that is left in the middle is cleaned up by nobody.
    if failure:
        raise failure
