"""Counts of questions, pauses, and other facts of a conversation, computed in code without a model."""

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypedDict

from ai import fold_text
from ai.bounded_patterns import BoundedPattern
from evaluation.reports.talk_time import measure_talk_time

_SENTENCE = BoundedPattern(r"[^.!?]+[.!?]*")
_REFLECTION = BoundedPattern(
    r"\b(?:sounds? (?:like|as if|so|really|very)|seems? (?:like|as if|to me)|i(?: can)? hear (?:how|that|you|the)|"
    r"you(?:'re| are| feel| felt| must|'ve been| have been| sound| seem| want| wish| were)\b|it must|that must|"
    r"so you\b|what i(?:'m| am) hearing|in other words|part of you|no wonder)",
    re.IGNORECASE,
)
_OPEN_QUESTION = BoundedPattern(
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


class PhoneMeasures(TypedDict, total=False):
    """Counts that only a phone call has."""

    talk_share: int | None  # the counselor's share of all speech and typing, in percent; None without either
    pauses: int  # silences that count as long
    longest_pause_ms: int | None  # None without a long pause
    interruptions: int  # times that the counselor cut the caller off


class ConversationMeasures(PhoneMeasures):
    """Counts of a conversation, as stored with its evaluation."""

    questions: int
    open_questions: int
    reflections: int
    reflections_per_question: float | None  # None without a question


def measure_conversation(turns: Sequence[MeasuredTurn], is_phone: bool) -> ConversationMeasures:
    """Count questions and reflections and, on the phone, talk time, pauses, and interruptions.

    Reflections are recognized by typical phrases, which is a rule of thumb.
    """
    own = [sentence for turn in turns if turn.role == "counselor" for sentence in _split_sentences(turn.text_heard)]
    questions = [sentence for sentence in own if sentence.endswith("?")]
    reflections = [sentence for sentence in own if not sentence.endswith("?") and _REFLECTION.search(sentence)]
    counted: ConversationMeasures = {
        "questions": len(questions),
        "open_questions": sum(bool(_OPEN_QUESTION.search(question)) for question in questions),
        "reflections": len(reflections),
        "reflections_per_question": round(len(reflections) / len(questions), 2) if questions else None,
    }
    return {**counted, **_measure_call(turns)} if is_phone else counted


def _measure_call(turns: Sequence[MeasuredTurn]) -> PhoneMeasures:
    talk = measure_talk_time(turns)
    return {
        "talk_share": talk.counselor_percent if talk.has_speech else None,
        "pauses": len(talk.pauses),
        "longest_pause_ms": talk.longest_pause.length_ms if talk.longest_pause else None,
        "interruptions": sum(turn.role == "caller" and turn.is_interrupted for turn in turns),
    }


def _split_sentences(text: str) -> Iterable[str]:
    return [piece for match in _SENTENCE.finditer(fold_text(text).text) if (piece := match.group().strip())]
