"""Plans for Responses API calls: the caller's next words, a grade, a draft, or JSON that fits a given schema."""

import math
from dataclasses import dataclass, field

import orjson

from ..endpoints import structured_outputs
from ..endpoints.vector_stores import find_passages
from ..http.errors import searched_vector_store_not_found
from ..http.json_types import JSON, as_number, as_object, as_text, objects, texts
from ..storage.state import StandinState
from . import caller_replies, documentation_comparer, grader, gullible_grader, scanner, scenario_writer
from .caller_replies import DialogueTurn
from .function_calls import FunctionCall, answer_from_output, choose_call

REFUSAL_TEXT = "I'm sorry, but I can't help with that."
MAX_QUERIES = 4


@dataclass
class ResponsePlan:
    """Planned response: its text or refusal, the searches made, and whether it ends incomplete."""

    text: str
    is_refusal: bool = False
    is_incomplete: bool = False
    queries: list[str] = field(default_factory=list)
    passages: list[JSON] = field(default_factory=list)
    has_searched: bool = False
    input_tokens: int = 0
    call: FunctionCall | None = None  # instead of the text

    @property
    def output_tokens(self) -> int:
        return estimate_tokens(self.call.arguments if self.call else self.text)


def text_format(body: JSON) -> JSON:
    return as_object(as_object(body.get("text")).get("format"))


def plan_response(state: StandinState, body: JSON, fault: JSON) -> ResponsePlan:
    """Plan the answer to a request. Equal requests get equal answers."""
    schema = as_object(text_format(body).get("schema"))
    is_scan = scanner.is_scan_schema(schema)
    task = grader.read_grading_task(input_texts(body)) if grader.is_grading_schema(schema) or is_scan else None
    drafting_task = (
        scenario_writer.read_drafting_task(input_texts(body)) if scenario_writer.is_draft_schema(schema) else None
    )
    plan = ResponsePlan(
        "",
        input_tokens=estimate_tokens(as_text(body.get("instructions"))) + sum(map(estimate_tokens, input_texts(body))),
    )
    _search(state, body, drafting_task.queries if drafting_task else _search_queries(body, task), plan)
    plan.call = _choose_call(body)
    if plan.call:
        return plan
    if task and is_scan:
        plan.text = orjson.dumps(structured_outputs.fit_to_schema(schema, scanner.scan_transcript(task))).decode()
    elif task:
        obeys = bool(fault.get("obedient"))
        instructions = as_text(body.get("instructions"))
        passages = plan.passages + task.found_passages
        judged = gullible_grader.grade_gullibly(task, passages, instructions) if obeys else grader.grade(task, passages)
        answer = structured_outputs.fit_to_schema(schema, dict(judged))
        plan.text = orjson.dumps(answer).decode()
    elif documentation_comparer.is_comparison_schema(schema):
        compared = documentation_comparer.compare_documentation(
            *documentation_comparer.read_comparison_input(grader.parse_json_parts(input_texts(body)))
        )
        plan.text = orjson.dumps(structured_outputs.fit_to_schema(schema, compared)).decode()
    elif drafting_task:
        plan.text = orjson.dumps(
            structured_outputs.fit_to_schema(schema, scenario_writer.write_draft(drafting_task, plan.passages))
        ).decode()
    elif schema:
        plan.text = orjson.dumps(structured_outputs.fit_to_schema(schema, None)).decode()
    else:
        plan.text = next_caller_words(body)
    _apply_faults(plan, fault)
    _apply_token_limit(plan, body)
    return plan


def _apply_faults(plan: ResponsePlan, fault: JSON) -> None:
    if refusal := fault.get("refusal"):
        plan.text, plan.is_refusal = as_text(refusal) or REFUSAL_TEXT, True
    elif fault.get("invalid_json"):
        plan.text = 'Here is what I think: {"criteria": ['
    elif fault.get("incomplete"):
        plan.text, plan.is_incomplete = plan.text[: len(plan.text) // 2], True


def _apply_token_limit(plan: ResponsePlan, body: JSON) -> None:
    limit = int(as_number(body.get("max_output_tokens"), math.inf)) if body.get("max_output_tokens") else None
    if limit and plan.output_tokens > limit:
        plan.text, plan.is_incomplete = plan.text[: limit * 4], True


def _choose_call(body: JSON) -> FunctionCall | None:
    """Return the function call that answers the last turn, or None after the output of one."""
    last = next(iter(objects(body.get("input"))[-1:]), {})
    if last.get("type") == "function_call_output":
        return None
    turns = read_turns(body)
    return choose_call(body.get("tools"), body.get("tool_choice"), turns[-1].text if turns else "")


def next_caller_words(body: JSON) -> str:
    """Return a function's output, a quoted line verbatim, an opening line, or the next line of the script."""
    last = next(iter(objects(body.get("input"))[-1:]), {})
    if last.get("type") == "function_call_output":
        return answer_from_output(as_text(last.get("output")))
    instructions = collect_instructions(body)
    if quoted := caller_replies.quoted_line(instructions):
        return quoted
    turns = read_turns(body)
    combined = f"{instructions} {turns[-1].text if turns else ''}".lower()
    if "opening line" in combined and not any(turn.speaker == "caller" for turn in turns):
        return caller_replies.next_line(as_text(body.get("instructions")), [])
    return caller_replies.next_line(as_text(body.get("instructions")), turns)


def collect_instructions(body: JSON) -> str:
    messages = [
        message_text(item) for item in objects(body.get("input")) if item.get("role") in ("system", "developer")
    ]
    return "\n".join([as_text(body.get("instructions")), *messages])


def read_turns(body: JSON) -> list[DialogueTurn]:
    given = body.get("input")
    if isinstance(given, str):
        return [DialogueTurn("counselor", given)]
    speakers = {"user": "counselor", "assistant": "caller"}
    return [
        DialogueTurn(speakers[role], message_text(item))
        for item in objects(given)
        if (role := as_text(item.get("role"))) in speakers
    ]


def message_text(item: JSON) -> str:
    content = item.get("content")
    return content if isinstance(content, str) else " ".join(part_texts(item))


def part_texts(item: JSON) -> list[str]:
    return [as_text(part.get("text")) for part in objects(item.get("content"))]


def input_texts(body: JSON) -> list[str]:
    """Return all texts in the input, followed by the instructions."""
    given = body.get("input")
    found = [given] if isinstance(given, str) else []
    for item in objects(given):
        content = item.get("content")
        found += [content] if isinstance(content, str) else part_texts(item)
    return [*found, as_text(body.get("instructions"))]


def _search(state: StandinState, body: JSON, queries: list[str], plan: ResponsePlan) -> None:
    tool = next((tool for tool in objects(body.get("tools")) if tool.get("type") == "file_search"), None)
    if tool is None or body.get("tool_choice") == "none":
        return
    plan.has_searched = True
    plan.queries = queries
    for store_id in texts(tool.get("vector_store_ids")):
        if store_id not in state.vector_stores:
            raise searched_vector_store_not_found(store_id)
        store = state.vector_stores[store_id]
        plan.passages += find_passages(store, plan.queries, {"max_num_results": 20} | tool)


def _search_queries(body: JSON, task: grader.GradingTask | None) -> list[str]:
    if task and task.checks:
        return [as_text(check.get("check")) for check in task.checks[:MAX_QUERIES]]
    turns = read_turns(body)
    return [turns[-1].text[:300] if turns else ""]


def estimate_tokens(text: str) -> int:
    return math.ceil(len(text) / 4)
