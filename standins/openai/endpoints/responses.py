"""`/v1/responses`: validation of a request, and the response object that carries its answer."""

import time

from ..demo.responses_api_planner import ResponsePlan, estimate_tokens, plan_response, text_format
from ..http.errors import bad_request, missing_parameter, response_not_found, unknown_parameter
from ..http.json_types import JSON, JSONValue, as_list, as_object, as_text, objects, texts
from ..http.messages import EventStreamResponse, HTTPResponse, Request, json_response
from ..storage.state import StandinState, new_id
from . import structured_outputs
from .response_stream import stream_events

PARAMETER_NAMES = (
    "background context_management conversation include input instructions max_output_tokens max_tool_calls metadata "
    "model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text "
    "tool_choice tools top_logprobs top_p truncation user"
)
PARAMETERS = frozenset(PARAMETER_NAMES.split())
MIN_OUTPUT_TOKENS = 16
MAX_STORED_RESPONSES = 1_000


async def create(state: StandinState, request: Request) -> HTTPResponse | EventStreamResponse:
    body = request.json()
    validate_request(body)
    plan = plan_response(state, body, request.fault)
    response = new_response(body)
    finished = complete_response(response, plan, body)
    if body.get("store", True):
        store_response(state, finished)
    if body.get("stream"):
        return EventStreamResponse(stream_events(response, finished, state.settings.delta_pause))
    return json_response(finished)


def store_response(state: StandinState, response: JSON) -> None:
    """Store a response for `GET /v1/responses/{id}` and drop all but the latest 1,000."""
    state.responses[as_text(response["id"])] = response
    while len(state.responses) > MAX_STORED_RESPONSES:
        del state.responses[next(iter(state.responses))]


async def retrieve(state: StandinState, request: Request, response_id: str) -> HTTPResponse:
    if response_id not in state.responses:
        raise response_not_found(response_id)
    return json_response(state.responses[response_id])


async def delete(state: StandinState, request: Request, response_id: str) -> HTTPResponse:
    if state.responses.pop(response_id, None) is None:
        raise response_not_found(response_id)
    return json_response({"id": response_id, "object": "response", "deleted": True})


def validate_request(body: JSON) -> None:
    """Raise ApiError for requests that OpenAI would refuse."""
    if unknown := next((key for key in body if key not in PARAMETERS), None):
        raise unknown_parameter(unknown)
    if not as_text(body.get("model")):
        raise missing_parameter("model")
    if "input" not in body:
        raise missing_parameter("input")
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < MIN_OUTPUT_TOKENS:
        message = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {MIN_OUTPUT_TOKENS}, "
        raise bad_request(message + f"but got {limit} instead.", "max_output_tokens", "integer_below_min_value")
    if body.get("background") or body.get("conversation") or body.get("previous_response_id"):
        raise bad_request("The stand-in keeps no conversations: send the whole input, without background.")
    if (wanted := text_format(body)).get("type") == "json_schema":
        structured_outputs.validate_format(wanted)
    for index, item in enumerate(objects(body.get("input"))):
        _validate_input_item(index, item)


def _validate_input_item(index: int, item: JSON) -> None:
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


def output_items(plan: ResponsePlan, body: JSON) -> list[JSON]:
    items: list[JSON] = []
    if plan.has_searched:
        shown = "file_search_call.results" in texts(body.get("include"))
        call: JSON = {"id": new_id("fs_"), "type": "file_search_call", "status": "completed"}
        results: JSONValue = list[JSONValue](plan.passages) if shown else None
        items.append(call | {"queries": list[JSONValue](plan.queries), "results": results})
    if plan.call:
        identity: JSON = {"id": new_id("fc_"), "type": "function_call", "status": "completed"}
        called: JSON = {"call_id": new_id("call_"), "name": plan.call.name, "arguments": plan.call.arguments}
        return [*items, identity | called]
    part: JSON = {"type": "output_text", "text": plan.text, "annotations": [], "logprobs": []}
    if plan.is_refusal:
        part = {"type": "refusal", "refusal": plan.text}
    status = "incomplete" if plan.is_incomplete else "completed"
    items.append(
        {"id": new_id("msg_"), "type": "message", "role": "assistant", "status": status, "content": [part]},
    )
    return items


def new_response(body: JSON) -> JSON:
    """Return the response object in its initial state, before it has any output."""
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


def complete_response(response: JSON, plan: ResponsePlan, body: JSON) -> JSON:
    details: JSON | None = {"reason": "max_output_tokens"} if plan.is_incomplete else None
    return response | {
        "status": "incomplete" if plan.is_incomplete else "completed",
        "incomplete_details": details,
        "completed_at": None if plan.is_incomplete else int(time.time()),
        "output": list[JSONValue](output_items(plan, body)),
        "usage": token_usage(plan),
    }


def token_usage(plan: ResponsePlan) -> JSON:
    found = sum(estimate_tokens(as_text(passage.get("text"))) for passage in plan.passages)
    given = plan.input_tokens + found
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": plan.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + plan.output_tokens,
    }
