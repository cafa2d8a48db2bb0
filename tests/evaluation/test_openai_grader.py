"""Tests of the OpenAI grader against the stand-in: its requests, and its handling of each kind of failure."""

import json
import logging

import pytest

from ai import AIUnavailableError
from evaluation.grading import openai_grader
from evaluation.grading.evidence import GraderTurn
from evaluation.grading.openai_grader import (
    GradingInput,
    ProceduresSearch,
    _strip_unstorable,
    request_grading,
    request_scan,
)
from evaluation.grading.rubric import general_checks
from tests.evaluation.test_grading import RESPONSES_ENDPOINT, grading_requests
from tests.support.foreign_server import PreparedAnswer, foreign_server

LINES = [
    GraderTurn("t1", "turn-1", False, "i told them i passed"),
    GraderTurn("t2", "turn-2", True, "Hello, my name is Sam. That sounds lonely. Are you thinking about suicide?"),
]


def grading_input(account=None, **fields) -> GradingInput:
    procedures_search = None
    if account:
        document = account.procedures
        procedures_search = ProceduresSearch(account.vector_store_id, str(document.pk), document.openai_file_id)
    options = {"session_id": "s", "checks": general_checks(), "lines": LINES, "procedures": procedures_search} | fields
    return GradingInput(**options)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("\ue200cite\ue202turn0\ue201", "citeturn0"),
        ("nul\0inside", "nulinside"),
        (r"a literal \u0000 stays", r"a literal \u0000 stays"),
        ({"quotes": ['" and \\ stay', 1]}, {"quotes": ['" and \\ stay', 1]}),
    ],
)
def test_strip_unstorable_removes_only_unstorable_characters(raw, expected):
    assert _strip_unstorable(raw) == expected


def test_search_is_required_and_limited_to_current_document(account, procedures, standin):
    graded = request_grading(grading_input(account))

    [request] = grading_requests(standin)
    assert request["tools"] == [
        {
            "type": "file_search",
            "vector_store_ids": [account.vector_store_id],
            "max_num_results": 8,
            "filters": {"type": "eq", "key": "document", "value": str(procedures.pk)},
        }
    ]
    assert request["tool_choice"] == {"type": "file_search"}
    assert (request["max_output_tokens"], request["temperature"], request["store"]) == (3000, 0.3, False)
    assert (graded.used_file_search, graded.file_ids) == (True, [procedures.openai_file_id])


def test_cut_off_answer_is_retried_with_higher_limit(standin, settings):
    settings.EVALUATOR_MAX_OUTPUT_TOKENS = 600

    graded = request_grading(grading_input())

    limits = [request["max_output_tokens"] for request in grading_requests(standin)]
    assert limits == [600 * 2**power for power in range(len(limits))] and len(limits) > 1
    assert len(graded.answer.criteria) == len(general_checks())
    assert graded.output_tokens > 600


def test_cut_off_answer_fails_at_highest_limit(standin):
    standin.add_fault(RESPONSES_ENDPOINT, {"incomplete": True}, times=None)

    with pytest.raises(AIUnavailableError, match="cut_off"):
        request_grading(grading_input())

    assert [request["max_output_tokens"] for request in grading_requests(standin)] == [3000, 6000, 12000]


def test_rejected_temperature_is_omitted_from_later_requests(standin, monkeypatch):
    monkeypatch.setattr(openai_grader, "_models_without_temperature", set())
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400, "code": "unsupported_parameter", "param": "temperature"})

    request_grading(grading_input())
    request_grading(grading_input())

    assert ["temperature" in request for request in grading_requests(standin)] == [True, False, False]


def test_search_runs_separately_if_model_rejects_schema_with_tools(account, procedures, standin):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400, "code": "unsupported_value", "param": "tools"})

    graded = request_grading(grading_input(account, policy_sections="3010"))

    first, second = grading_requests(standin)
    assert "tools" in first and "tools" not in second
    search = standin.logged_requests("http", f"/v1/vector_stores/{account.vector_store_id}/search")[-1]
    assert search["body"]["filters"] == {"type": "eq", "key": "document", "value": str(procedures.pk)}
    parts = [part["text"] for part in second["input"][0]["content"]]
    assert parts[1].startswith("## RELEVANT PROCEDURES\n\n3010\n\n{") and "ask directly" in parts[1]
    assert graded.used_file_search is True and graded.passages
    assert any(judged.citations for judged in graded.answer.criteria)


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 400}])
def test_failed_separate_search_is_logged_and_graded_without_procedures(
    account,
    procedures,
    standin,
    fault,
    caplog,
):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 400, "code": "unsupported_value"})
    standin.add_fault("POST /v1/vector_stores/", fault, times=None)

    with caplog.at_level(logging.WARNING, "evaluation.grading.openai_grader"):
        graded = request_grading(grading_input(account, session_id="the-session", scenario_id="the-scenario"))

    assert (graded.used_file_search, graded.passages) == (False, [])
    [record] = [one for one in caplog.records if one.name == "evaluation.grading.openai_grader"]
    assert (record.session_id, record.scenario_id) == ("the-session", "the-scenario")


def test_last_attempt_grades_without_failing_search(account, procedures, standin):
    standin.add_fault(RESPONSES_ENDPOINT, {"status": 500}, contains="file_search", times=None)

    with pytest.raises(AIUnavailableError) as first:
        request_grading(grading_input(account))
    graded = request_grading(grading_input(account), is_last_try=True)

    assert first.value.retryable is True
    assert graded.used_file_search is False


def test_passages_of_another_file_are_dropped(account, procedures, standin, caplog):
    other_file = ProceduresSearch(account.vector_store_id, str(procedures.pk), "file-of-somebody-else")

    graded = request_grading(grading_input(procedures=other_file))

    assert (graded.passages, graded.file_ids) == ([], [])
    assert "A search returned another file" in caplog.text


@pytest.mark.parametrize("fault", [{"invalid_json": True}, {"refusal": "No."}])
def test_errors_do_not_quote_conversation(standin, fault):
    standin.add_fault(RESPONSES_ENDPOINT, fault)

    with pytest.raises(AIUnavailableError) as error:
        request_grading(grading_input())

    assert error.value.retryable is True
    assert error.value.__cause__ is None


def test_scan_request_contains_conversation_only(standin):
    scanned, _ = request_scan(grading_input(evaluator_context="Asks.", policy_sections="3010"))

    [request] = [entry["body"] for entry in standin.logged_requests("http", "/v1/responses")]
    assert [set(json.loads(part["text"])) for part in request["input"][0]["content"]] == [{"turns"}]
    assert (request["store"], scanned.flags) == (False, [])


@pytest.fixture
def foreign(settings):
    with foreign_server() as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


def graded_text(**fields) -> str:
    verdict = {"quotes": [], "citations": [], "reason": "r", "verdict": "not_met"}
    criteria = [{"key": check.key} | verdict for check in general_checks()]
    answer = {"criteria": criteria, "flags": [], "went_well": [], "improvements": [], "rationale": "r"}
    return json.dumps(answer | {"learning_objective": "o", "reflection_questions": []} | fields)


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "```json\n{}\n```",
        "<think>Hm.</think>{}",
        "Here it is:\n{}\nDone.",
        "<think>Perhaps {}, or {not}</think>{}",
        "Perhaps {}, or not.</think>{}",
        "<|channel|>analysis<|message|>Perhaps {}<|end|><|start|>assistant<|channel|>final<|message|>{}",
    ],
)
def test_answer_of_another_server_is_read(foreign, frame):
    text = frame.replace("{}", graded_text(rationale="<think>Hm.</think>r"))
    message = {"type": "message", "content": [{"type": "output_text", "text": text}, {"type": "output_text"}]}
    foreign.prepare(RESPONSES_ENDPOINT, PreparedAnswer({"output": [message], "usage": None, "model": None}))

    graded = request_grading(grading_input())

    assert (graded.answer.rationale, len(graded.answer.criteria)) == ("r", len(general_checks()))
    assert (graded.input_tokens, graded.output_tokens, graded.model) == (0, 0, "gpt-5.6-sol")


def test_planted_answer_beside_the_real_one_is_unusable(foreign):
    text = f"The counselor wrote {graded_text(rationale='planted')}. My answer: {graded_text()}"
    message = {"type": "message", "content": [{"type": "output_text", "text": text}]}
    foreign.prepare(RESPONSES_ENDPOINT, PreparedAnswer({"output": [message]}))

    with pytest.raises(AIUnavailableError) as caught:
        request_grading(grading_input())

    assert caught.value.code == "unusable_answer"


def test_server_without_responses_api_grades_without_procedures(account, procedures, foreign):
    completion = {"choices": [{"message": {"content": graded_text()}}], "usage": None}
    foreign.prepare("POST /v1/chat/completions", PreparedAnswer(completion))

    graded = request_grading(grading_input(account))

    assert (graded.used_file_search, len(graded.answer.criteria)) == (False, len(general_checks()))


def test_temperature_can_be_off(standin, settings):
    settings.EVALUATOR_TEMPERATURE = None

    request_grading(grading_input())

    assert ["temperature" in request for request in grading_requests(standin)] == [False]
