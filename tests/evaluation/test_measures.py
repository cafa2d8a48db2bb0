from dataclasses import dataclass

import pytest

from evaluation.measures import measures_of

pytestmark = pytest.mark.once


@dataclass
class Turn:
    role: str
    text_heard: str
    start_ms: int | None = None
    end_ms: int | None = None
    is_interrupted: bool = False
    source: str = "spoken"


def test_questions_and_reflections_of_the_counselor_are_counted():
    turns = [
        Turn("counselor", "Hello. What happened today? Did you sleep?"),
        Turn("caller", "You feel what? It sounds like a joke?"),
        Turn("counselor", "It sounds like today was too much. You’re worn out. And how is it now?"),
        Turn("counselor", "Sounds like a lot?"),
    ]

    assert measures_of(turns, is_phone=False) == {
        "questions": 4,
        "open_questions": 2,
        "reflections": 2,
        "reflections_per_question": 0.5,
    }


def test_without_a_question_there_is_no_ratio():
    assert measures_of([Turn("counselor", "I hear you.")], is_phone=False)["reflections_per_question"] is None


def test_on_the_phone_time_pauses_and_interruptions_are_counted():
    turns = [
        Turn("caller", "hi", 0, 1000, is_interrupted=True),
        Turn("counselor", "Hello.", 1000, 4000),
        Turn("caller", "yes", 9000, 9000 + 9000),
        Turn("counselor", "I see", 18000, 18000, is_interrupted=True),
    ]

    counted = measures_of(turns, is_phone=True)

    assert (counted["talk_share"], counted["pauses"], counted["longest_pause_ms"]) == (23, 1, 5000)
    assert counted["interruptions"] == 1


def test_a_call_without_times_has_no_shares():
    counted = measures_of([Turn("counselor", "Hello.")], is_phone=True)

    assert (counted["talk_share"], counted["longest_pause_ms"]) == (None, None)
