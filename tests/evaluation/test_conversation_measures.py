from dataclasses import dataclass

from evaluation.reports.conversation_measures import measure_conversation


@dataclass
class FakeMeasuredTurn:
    role: str
    text_heard: str
    start_ms: int | None = None
    end_ms: int | None = None
    is_interrupted: bool = False
    source: str = "spoken"


def test_measure_conversation_counts_questions_and_reflections():
    turns = [
        FakeMeasuredTurn("counselor", "Hello. What happened today? Did you sleep?"),
        FakeMeasuredTurn("caller", "You feel what? It sounds like a joke?"),
        FakeMeasuredTurn("counselor", "It sounds like today was too much. You’re worn out. And how is it now?"),
        FakeMeasuredTurn("counselor", "Sounds like a lot?"),
    ]

    assert measure_conversation(turns, is_phone=False) == {
        "questions": 4,
        "open_questions": 2,
        "reflections": 2,
        "reflections_per_question": 0.5,
    }


def test_measure_conversation_without_question_has_no_ratio():
    assert (
        measure_conversation([FakeMeasuredTurn("counselor", "I hear you.")], is_phone=False)["reflections_per_question"]
        is None
    )


def test_measure_conversation_counts_talk_time_pauses_and_interruptions_of_call():
    turns = [
        FakeMeasuredTurn("caller", "hi", 0, 1000, is_interrupted=True),
        FakeMeasuredTurn("counselor", "Hello.", 1000, 4000),
        FakeMeasuredTurn("caller", "yes", 9000, 9000 + 9000),
        FakeMeasuredTurn("counselor", "I see", 18000, 18000, is_interrupted=True),
    ]

    measures = measure_conversation(turns, is_phone=True)

    assert (measures["talk_share"], measures["pauses"], measures["longest_pause_ms"]) == (23, 1, 5000)
    assert measures["interruptions"] == 1


def test_measure_conversation_without_times_has_no_talk_share():
    measures = measure_conversation([FakeMeasuredTurn("counselor", "Hello.")], is_phone=True)

    assert (measures["talk_share"], measures["longest_pause_ms"]) == (None, None)
