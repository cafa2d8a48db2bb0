"""Delayed, simulated transcripts of spoken turns, because the stand-in does not understand speech."""

import asyncio
import random
import re

from ..http.json_types import JSON, as_number, objects
from .conversation import ConversationItem
from .event_sender import EventSender

PIECE = re.compile(r"\s*\S+\s*\S*")


def simulated_transcript(item: ConversationItem) -> str:
    return f"[simulated transcript: {item.audio_ms / 1000:.1f} s of speech]"


async def transcribe(sender: EventSender, item: ConversationItem, longest_delay: float, seed: str) -> None:
    """Send a turn's transcript after a delay that is always the same for the same session and turn."""
    requested = sender.fault.get("transcript")
    if requested == "never":
        return
    await asyncio.sleep(as_number(requested, random.Random(seed).uniform(0.1, 1.0) * longest_delay))
    place: JSON = {"item_id": item.id, "content_index": 0}
    kind = "conversation.item.input_audio_transcription"
    if requested == "failed":
        message = "Input transcription failed for this item."
        error: JSON = {"type": "server_error", "code": "transcription_failed", "message": message, "param": None}
        await sender.emit({"type": f"{kind}.failed", **place, "error": error})
        return
    text = simulated_transcript(item)
    for delta in PIECE.findall(text):
        await sender.emit({"type": f"{kind}.delta", **place, "delta": delta})
    item.fields["content"] = [part | {"transcript": text} for part in objects(item.fields["content"])]
    usage: JSON = {"type": "duration", "seconds": round(item.audio_ms / 1000, 2)}
    await sender.emit({"type": f"{kind}.completed", **place, "transcript": text, "usage": usage})
