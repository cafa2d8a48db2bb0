"""Counts of a conversation, taken in code because no model is needed for them."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from evaluation.reports.talk_time import measure_talk_time

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_REFLECTION = re.compile(
    r"\b(?:sounds? (?:like|as if|so|really|very)|seems? (?:like|as if|to me)|i(?: can)? hear (?:how|that|you|the)|"
    r"you(?:'re| are| feel| felt| must|'ve been| have been| sound| seem| want| wish| were)\b|it must|that must|"
    r"so you\b|what i(?:'m| am) hearing|in other words|part of you|no wonder)",
    re.IGNORECASE,
)
_OPEN_QUESTION = re.compile(
    r"^\W*(?:and |so |but )?(?:what|how|tell me|could you (?:tell|say)|can you (?:tell|say)|would you (?:tell|say))\b",
    re.IGNORECASE,
)


class MeasuredTurn(Protocol):
    """The fields of a turn that the counts need."""

    role: str  # counselor or caller
    source: str  # `spoken` turns have a duration
    text_heard: str
    start_ms: int | None  # None without a recording position
    end_ms: int | None
    is_interrupted: bool  # cut off before its end


def measure_conversation(turns: Sequence[MeasuredTurn], is_phone: bool) -> dict[str, Any]:
    """Count questions and reflections; on the phone, also talk share (percent), pauses (ms), and interruptions.

    Reflections are recognized by typical phrases, which is a rule of thumb.
    """
    own = [sentence for turn in turns if turn.role == "counselor" for sentence in _split_sentences(turn.text_heard)]
    questions = [sentence for sentence in own if sentence.endswith("?")]
    reflections = [sentence for sentence in own if not sentence.endswith("?") and _REFLECTION.search(sentence)]
    counted: dict[str, Any] = {
        "questions": len(questions),
        "open_questions": sum(bool(_OPEN_QUESTION.search(question)) for question in questions),
        "reflections": len(reflections),
        "reflections_per_question": round(len(reflections) / len(questions), 2) if questions else None,
    }
    if is_phone:
        talk = measure_talk_time(turns)
        counted |= {
            "talk_share": talk.counselor_percent if talk.has_speech else None,
            "pauses": len(talk.pauses),
            "longest_pause_ms": talk.longest_pause.length_ms if talk.longest_pause else None,
            "interruptions": sum(turn.role == "caller" and turn.is_interrupted for turn in turns),
        }
    return counted


def _split_sentences(text: str) -> Iterable[str]:
    return [piece for match in _SENTENCE.finditer(text.replace("’", "'")) if (piece := match.group().strip())]
