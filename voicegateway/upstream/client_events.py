"""Client events that configure an upstream session, and instructions for special responses."""

from collections.abc import Iterator, Mapping, Sequence

from training.transcript import SpeakerRole, TurnSnapshot
from voicegateway.browser.protocol import SAMPLE_RATE
from voicegateway.conversation.call_config import CallConfig

# A retry does not help; only the operator can fix the cause.
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
# The connection has expired, even if upstream does not close it.
SESSION_EXPIRED = "session_expired"


def session_update(config: CallConfig) -> Mapping[str, object]:
    """Build the `session.update` event.

    The gateway decides on responses and interruptions. Upstream only listens, transcribes, and speaks on request.
    """
    pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE}
    transcription = {"model": config.transcribe_model}
    if config.transcribe_language:
        transcription["language"] = config.transcribe_language
    turn_detection = {
        "type": "server_vad",
        "silence_duration_ms": config.patience.silence_ms,
        "create_response": False,
        "interrupt_response": False,
    }
    session = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": config.instructions,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": transcription,
                "turn_detection": turn_detection,
            },
            "output": {"format": pcm, "voice": config.voice},
        },
    }
    return {"type": "session.update", "session": session}


def history_items(history: Sequence[TurnSnapshot]) -> Iterator[Mapping[str, object]]:
    """Yield an event for each turn heard so far, with its original item id, placed after its predecessor."""
    previous: str | None = None
    for turn in history:
        if not turn.text_heard.strip():
            continue
        by_caller = turn.role is SpeakerRole.CALLER
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
    """Return instructions for the greeting. They include the session's, which a response's instructions replace."""
    return (
        f"{instructions}\n\n"
        "The line has just been answered. Open the call now, word for word with the words in the double quotation "
        f"marks and nothing else: ««{greeting}»»"
    )


def reconnected_instructions(instructions: str) -> str:
    """Return instructions to continue after a lost connection."""
    return (
        f"{instructions}\n\n"
        "The line broke for a moment while you were speaking, and is back now. Go on from the last words of yours that "
        "were heard, as a person would after a bad connection, in one or two sentences."
    )


def long_silence_instructions(instructions: str) -> str:
    """Return instructions to break a long silence."""
    return (
        f"{instructions}\n\n"
        "It has been silent on the line for a while after your last words. Say one short thing that you would say into "
        "such a silence, without answering for the other person."
    )
