"""The events with which a call introduces itself upstream."""

from collections.abc import Iterator, Mapping, Sequence

from voicegateway.briefing import Briefing, Role, Turn
from voicegateway.wire import RATE

# Trying again does not help, and only the operator can mend it.
FATAL_CODES = frozenset(
    {
        "insufficient_quota",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
        "billing_not_active",
        "model_not_found",
    }
)
# The connection has come to its end, whether or not it says so by closing.
EXPIRED = "session_expired"


def session_update(briefing: Briefing) -> Mapping[str, object]:
    """We decide who answers and who is interrupted: upstream only listens, transcribes and speaks when asked."""
    pcm = {"type": "audio/pcm", "rate": RATE}
    turn_detection = {
        "type": "server_vad",
        "silence_duration_ms": briefing.patience.silence_ms,
        "create_response": False,
        "interrupt_response": False,
    }
    session = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": briefing.instructions,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": {"model": briefing.transcribe_model},
                "turn_detection": turn_detection,
            },
            "output": {"format": pcm, "voice": briefing.voice},
        },
    }
    return {"type": "session.update", "session": session}


def history_items(history: Sequence[Turn]) -> Iterator[Mapping[str, object]]:
    """What was heard so far, as items with the ids it had before, each behind the one before it."""
    previous: str | None = None
    for turn in history:
        if not turn.text_heard.strip():
            continue
        by_caller = turn.role is Role.CALLER
        content = [{"type": "output_text" if by_caller else "input_text", "text": turn.text_heard}]
        message = {
            "id": turn.item,
            "type": "message",
            "role": "assistant" if by_caller else "user",
            "content": content,
        }
        event: dict[str, object] = {"type": "conversation.item.create", "item": message}
        if previous is not None:
            event["previous_item_id"] = previous
        previous = turn.item
        yield event


def opening_instructions(instructions: str, greeting: str) -> str:
    """The whole instructions again, because a response's own replace the session's."""
    return (
        f"{instructions}\n\n"
        "The line has just been answered. Open the call now, word for word with the words in the double quotation "
        f"marks and nothing else: ««{greeting}»»"
    )


def called_back_instructions(instructions: str) -> str:
    return (
        f"{instructions}\n\n"
        "The line broke for a moment while you were speaking, and is back now. Go on from the last words of yours that "
        "were heard, as a person would after a bad connection, in one or two sentences."
    )


def long_silence_instructions(instructions: str) -> str:
    return (
        f"{instructions}\n\n"
        "It has been silent on the line for a while after your last words. Say one short thing that you would say into "
        "such a silence, without answering for the other person."
    )
