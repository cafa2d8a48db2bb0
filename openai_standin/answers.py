"""What a Responses call is answered with: the caller's next words, a grading, a draft, or any JSON that fits."""

import math
from dataclasses import dataclass, field

import orjson

from . import comparer, conversation, grader, obedient, scanner, schemas, writer
from .conversation import Turn
from .errors import no_vector_store_for_search
from .json_types import JSON, as_number, as_object, as_text, objects, texts
from .state import State
from .vector_stores import find_passages

REFUSAL = "I'm sorry, but I can't help with that."
MAX_QUERIES = 4


@dataclass
class Plan:
    """What will be answered: the text or refusal, what was searched, and how it ends."""

    text: str
    refusal: bool = False
    incomplete: bool = False
    queries: list[str] = field(default_factory=list)
    passages: list[JSON] = field(default_factory=list)
    searched: bool = False
    input_tokens: int = 0

    @property
    def output_tokens(self) -> int:
        return tokens(self.text)


def answer_format(body: JSON) -> JSON:
    return as_object(as_object(body.get("text")).get("format"))


def think(state: State, body: JSON, fault: JSON) -> Plan:
    """The answer to a request. The same request, the same answer."""
    schema = as_object(answer_format(body).get("schema"))
    is_scanned = scanner.is_scanning(schema)
    task = grader.read_task(input_texts(body)) if grader.is_grading(schema) or is_scanned else None
    order = writer.read_order(input_texts(body)) if writer.is_drafting(schema) else None
    plan = Plan("", input_tokens=tokens(as_text(body.get("instructions"))) + sum(map(tokens, input_texts(body))))
    _search(state, body, order.queries if order else _queries(body, task), plan)
    if task and is_scanned:
        plan.text = orjson.dumps(schemas.fit(schema, scanner.scan(task))).decode()
    elif task:
        obeys = bool(fault.get("obedient"))
        instructions = as_text(body.get("instructions"))
        passages = plan.passages + task.found
        judged = obedient.obey(task, passages, instructions) if obeys else grader.grade(task, passages)
        answer = schemas.fit(schema, dict(judged))
        plan.text = orjson.dumps(answer).decode()
    elif comparer.is_comparing(schema):
        compared = comparer.compare(*comparer.task_of(grader.parts_of(input_texts(body))))
        plan.text = orjson.dumps(schemas.fit(schema, compared)).decode()
    elif order:
        plan.text = orjson.dumps(schemas.fit(schema, writer.write(order, plan.passages))).decode()
    elif schema:
        plan.text = orjson.dumps(schemas.fit(schema, None)).decode()
    else:
        plan.text = next_words(body)
    _apply_faults(plan, fault)
    _cut_off(plan, body)
    return plan


def _apply_faults(plan: Plan, fault: JSON) -> None:
    if refusal := fault.get("refusal"):
        plan.text, plan.refusal = as_text(refusal) or REFUSAL, True
    elif fault.get("invalid_json"):
        plan.text = 'Here is what I think: {"criteria": ['
    elif fault.get("incomplete"):
        plan.text, plan.incomplete = plan.text[: len(plan.text) // 2], True


def _cut_off(plan: Plan, body: JSON) -> None:
    limit = int(as_number(body.get("max_output_tokens"), math.inf)) if body.get("max_output_tokens") else None
    if limit and plan.output_tokens > limit:
        plan.text, plan.incomplete = plan.text[: limit * 4], True


def next_words(body: JSON) -> str:
    """What the caller says: a quoted line word for word, an opening line, or the next of the script."""
    instructions = standing_instructions(body)
    if quoted := conversation.word_for_word(instructions):
        return quoted
    turns = turns_of(body)
    asked = f"{instructions} {turns[-1].text if turns else ''}".lower()
    if "opening line" in asked and not any(turn.speaker == "caller" for turn in turns):
        return conversation.next_line(as_text(body.get("instructions")), [])
    return conversation.next_line(as_text(body.get("instructions")), turns)


def standing_instructions(body: JSON) -> str:
    told = [message_text(item) for item in objects(body.get("input")) if item.get("role") in ("system", "developer")]
    return "\n".join([as_text(body.get("instructions")), *told])


def turns_of(body: JSON) -> list[Turn]:
    given = body.get("input")
    if isinstance(given, str):
        return [Turn("counselor", given)]
    speakers = {"user": "counselor", "assistant": "caller"}
    return [
        Turn(speakers[role], message_text(item))
        for item in objects(given)
        if (role := as_text(item.get("role"))) in speakers
    ]


def message_text(item: JSON) -> str:
    content = item.get("content")
    return content if isinstance(content, str) else " ".join(part_texts(item))


def part_texts(item: JSON) -> list[str]:
    return [as_text(part.get("text")) for part in objects(item.get("content"))]


def input_texts(body: JSON) -> list[str]:
    """Every text of the input by itself, and the instructions last."""
    given = body.get("input")
    found = [given] if isinstance(given, str) else []
    for item in objects(given):
        content = item.get("content")
        found += [content] if isinstance(content, str) else part_texts(item)
    return [*found, as_text(body.get("instructions"))]


def _search(state: State, body: JSON, queries: list[str], plan: Plan) -> None:
    tool = next((tool for tool in objects(body.get("tools")) if tool.get("type") == "file_search"), None)
    if tool is None or body.get("tool_choice") == "none":
        return
    plan.searched = True
    plan.queries = queries
    for store_id in texts(tool.get("vector_store_ids")):
        if store_id not in state.vector_stores:
            raise no_vector_store_for_search(store_id)
        store = state.vector_stores[store_id]
        plan.passages += find_passages(store, plan.queries, {"max_num_results": 20} | tool)


def _queries(body: JSON, task: grader.Task | None) -> list[str]:
    if task and task.checks:
        return [as_text(check.get("check")) for check in task.checks[:MAX_QUERIES]]
    turns = turns_of(body)
    return [turns[-1].text[:300] if turns else ""]


def tokens(text: str) -> int:
    return math.ceil(len(text) / 4)
