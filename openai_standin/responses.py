"""`/v1/responses`: checking a request and the response object its answer is sent in."""

import time

from . import schemas
from .answers import Plan, answer_format, think, tokens
from .errors import bad_request, missing, no_response, unknown
from .http import Answer, Request, Stream, json_answer
from .json_types import JSON, JSONValue, as_list, as_object, as_text, objects, texts
from .state import State, new_id
from .streaming import stream_events

PARAMETER_NAMES = (
    "background context_management conversation include input instructions max_output_tokens max_tool_calls metadata "
    "model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text "
    "tool_choice tools top_logprobs top_p truncation user"
)
PARAMETERS = frozenset(PARAMETER_NAMES.split())
SMALLEST_LIMIT = 16
MAX_STORED = 1_000


async def create(state: State, request: Request) -> Answer | Stream:
    body = request.json()
    check(body)
    plan = think(state, body, request.fault)
    response = new_response(body)
    finished = finish(response, plan, body)
    if body.get("store", True):
        remember(state, finished)
    if body.get("stream"):
        return Stream(stream_events(response, finished, state.settings.delta_pause))
    return json_answer(finished)


def remember(state: State, response: JSON) -> None:
    """Keep a stored response for `GET /v1/responses/{id}`, the latest thousand of them."""
    state.responses[as_text(response["id"])] = response
    while len(state.responses) > MAX_STORED:
        del state.responses[next(iter(state.responses))]


async def retrieve(state: State, request: Request, response_id: str) -> Answer:
    if response_id not in state.responses:
        raise no_response(response_id)
    return json_answer(state.responses[response_id])


async def delete(state: State, request: Request, response_id: str) -> Answer:
    if state.responses.pop(response_id, None) is None:
        raise no_response(response_id)
    return json_answer({"id": response_id, "object": "response", "deleted": True})


def check(body: JSON) -> None:
    """Refuse what OpenAI would refuse."""
    if strange := next((key for key in body if key not in PARAMETERS), None):
        raise unknown(strange)
    if not as_text(body.get("model")):
        raise missing("model")
    if "input" not in body:
        raise missing("input")
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < SMALLEST_LIMIT:
        message = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {SMALLEST_LIMIT}, "
        raise bad_request(message + f"but got {limit} instead.", "max_output_tokens", "integer_below_min_value")
    if body.get("background") or body.get("conversation") or body.get("previous_response_id"):
        raise bad_request("The stand-in keeps no conversations: send the whole input, without background.")
    if (wanted := answer_format(body)).get("type") == "json_schema":
        schemas.check_format(wanted)
    for index, item in enumerate(objects(body.get("input"))):
        _check_input(index, item)


def _check_input(index: int, item: JSON) -> None:
    role = item.get("role")
    if item.get("type", "message") != "message":
        return
    if role not in ("user", "assistant", "developer", "system"):
        raise bad_request(f"Invalid value: '{role}'.", f"input[{index}].role", "invalid_value")
    allowed = ("output_text", "refusal") if role == "assistant" else ("input_text", "input_image", "input_file")
    for position, part in enumerate(objects(item.get("content"))):
        if part.get("type") not in allowed:
            place = f"input[{index}].content[{position}].type"
            supported = ", ".join(f"'{kind}'" for kind in allowed)
            message = f"Invalid value: '{part.get('type')}'. Supported values are: {supported}."
            raise bad_request(message, place, "invalid_value")


def output_items(plan: Plan, body: JSON) -> list[JSON]:
    items: list[JSON] = []
    if plan.searched:
        shown = "file_search_call.results" in texts(body.get("include"))
        call: JSON = {"id": new_id("fs_"), "type": "file_search_call", "status": "completed"}
        results: JSONValue = list[JSONValue](plan.passages) if shown else None
        items.append(call | {"queries": list[JSONValue](plan.queries), "results": results})
    part: JSON = {"type": "output_text", "text": plan.text, "annotations": [], "logprobs": []}
    if plan.refusal:
        part = {"type": "refusal", "refusal": plan.text}
    status = "incomplete" if plan.incomplete else "completed"
    items.append(
        {"id": new_id("msg_"), "type": "message", "role": "assistant", "status": status, "content": [part]},
    )
    return items


def new_response(body: JSON) -> JSON:
    """The response object as it is announced, before anything is answered."""
    text = as_object(body.get("text"))
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": as_object(body.get("reasoning")).get("effort"), "summary": None},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "temperature": body.get("temperature", 1.0),
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity", "medium")},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": as_list(body.get("tools")),
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": None,
        "user": body.get("user"),
        "metadata": as_object(body.get("metadata")),
    }


def finish(response: JSON, plan: Plan, body: JSON) -> JSON:
    details: JSON | None = {"reason": "max_output_tokens"} if plan.incomplete else None
    return response | {
        "status": "incomplete" if plan.incomplete else "completed",
        "incomplete_details": details,
        "completed_at": None if plan.incomplete else int(time.time()),
        "output": list[JSONValue](output_items(plan, body)),
        "usage": usage(plan),
    }


def usage(plan: Plan) -> JSON:
    found = sum(tokens(as_text(passage.get("text"))) for passage in plan.passages)
    given = plan.input_tokens + found
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": plan.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + plan.output_tokens,
    }
