"""What can be counted in a conversation, and is therefore not asked of a model."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from evaluation.talk import talk_of

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_REFLECTS = re.compile(
    r"\b(?:sounds? (?:like|as if|so|really|very)|seems? (?:like|as if|to me)|i(?: can)? hear (?:how|that|you|the)|"
    r"you(?:'re| are| feel| felt| must|'ve been| have been| sound| seem| want| wish| were)\b|it must|that must|"
    r"so you\b|what i(?:'m| am) hearing|in other words|part of you|no wonder)",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"^\W*(?:and |so |but )?(?:what|how|tell me|could you (?:tell|say)|can you (?:tell|say)|would you (?:tell|say))\b",
    re.IGNORECASE,
)


class Turn(Protocol):
    role: str
    source: str
    text_heard: str
    start_ms: int | None
    end_ms: int | None
    is_interrupted: bool


def measures_of(turns: Sequence[Turn], is_phone: bool) -> dict[str, Any]:
    """Counts of a conversation. On the phone also who spoke how long (percent), pauses (ms) and interruptions.

    What is a reflection is told by how a sentence begins, which is a rule of thumb.
    """
    own = [sentence for turn in turns if turn.role == "counselor" for sentence in _sentences(turn.text_heard)]
    questions = [sentence for sentence in own if sentence.endswith("?")]
    reflections = [sentence for sentence in own if not sentence.endswith("?") and _REFLECTS.search(sentence)]
    counted: dict[str, Any] = {
        "questions": len(questions),
        "open_questions": sum(bool(_OPEN.search(question)) for question in questions),
        "reflections": len(reflections),
        "reflections_per_question": round(len(reflections) / len(questions), 2) if questions else None,
    }
    if is_phone:
        talk = talk_of(turns)
        counted |= {
            "talk_share": talk.share if talk.has_speech else None,
            "pauses": len(talk.pauses),
            "longest_pause_ms": talk.longest.length_ms if talk.longest else None,
            "interruptions": sum(turn.role == "caller" and turn.is_interrupted for turn in turns),
        }
    return counted


def _sentences(text: str) -> Iterable[str]:
    return [piece for match in _SENTENCE.finditer(text.replace("’", "'")) if (piece := match.group().strip())]
