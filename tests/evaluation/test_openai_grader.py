import pytest
from openai.types.responses import ParsedResponse

from evaluation.openai_grader import Grading, _graded

pytestmark = pytest.mark.once


def graded(rationale: str):
    """What is made of an answer with this rationale."""
    empty = {name: [] for name in ("criteria", "went_well", "improvements", "reflection_questions", "flags")}
    grading = Grading.model_validate(empty | {"rationale": rationale, "learning_objective": ""})
    part = {"type": "output_text", "text": grading.model_dump_json(), "annotations": [], "parsed": grading}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "r", "created_at": 0, "model": "m", "object": "response", "output": [message]}
    options = {"parallel_tool_calls": False, "tool_choice": "auto", "tools": [], "status": "completed"}
    return _graded(ParsedResponse[Grading].model_validate(response | options), has_procedures=False)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("plain", "plain"),
        ("\ue200cite\ue202turn0\ue201", "citeturn0"),
        ("nul\0inside", "nulinside"),
        (r"a literal \u0000 stays", r"a literal \u0000 stays"),
        ('quotes " and \\ stay', 'quotes " and \\ stay'),
    ],
)
def test_marks_that_nobody_should_read_are_taken_out(written, kept):
    assert graded(written).grading.rationale == kept
